import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { codecOf } from '../../src/infra/codec.zod.js';
import { rebuildProjection } from '../../src/infra/postgres/projection.rebuild.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { type Deciding, type Projection } from '../../src/kernel/projection.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, openStores, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());
const atEnd = testEndings();

type Told = Readonly<{ type: 'Told'; generation: number; text: string }>;
const codec = codecOf<Told>({ 'Told.v1': z.strictObject({ generation: z.int(), text: z.string() }) });

/** A projection of calendars' contents and facts and of people, in whose table a text can be refused. */
const tale = async () => {
  const name = `tale${randomUUID().slice(0, 8)}`;
  const [content, fact, person] = [`${name}content`, `${name}fact`, `${name}person`];
  const refusals = new Map<string, () => Error | null>();
  const tried: string[] = [];
  const decided: (Deciding & { what: string })[] = [];
  await stores.database.query(`create table ${name} (stream text not null, revision bigint not null, text text not null)`);
  const projection: Projection<Told> = {
    name,
    meaning: 1,
    families: [content, fact, person].map((category) => ({ category, codec })),
    apply: async (sql, events) => {
      for (const { stream, revision, event } of events) {
        tried.push(event.text);
        await sql.query(`insert into ${name} (stream, revision, text) values ($1, $2, $3)`, [stream, revision, event.text]);
        const refusal = refusals.get(event.text)?.() ?? null;
        if (refusal !== null) throw refusal;
        // What a table refuses ends the transaction, unless somebody has set a savepoint.
        await sql.query('select 1 / $1::int', [event.text.startsWith('bad') ? 0 : 1]);
      }
    },
    tables: [name],
    separable: {
      contents: [content],
      facts: [fact],
      generationOf: ({ generation }) => generation,
      setAside: (_, calendar) => Promise.resolve(void decided.push({ what: 'aside', ...calendar })),
      takeBack: (_, calendar) => Promise.resolve(void decided.push({ what: 'back', ...calendar })),
    },
  };
  const append = (category: string, id: string, ...told: readonly (readonly [generation: number, text: string])[]) =>
    stores.store.append(
      `${category}-${id}`,
      null,
      told.map(([generation, text]) => ({ type: 'Told', generation, text }) as const),
      codec,
      metadata(),
    );
  const run = () => {
    const running = startProjection(stores, projection, { unknown: 20, failed: 20 });
    atEnd(running.stop);
    return running;
  };
  const rows = async (id?: string): Promise<readonly string[]> =>
    (await stores.database.query<{ stream: string; text: string }>(`select stream, text from ${name} order by stream, revision`))
      .filter(({ stream }) => id === undefined || stream.endsWith(id))
      .map(({ text }) => text);
  const asides = () =>
    stores.database.query<{ calendar_id: string; contents: boolean; generation: number | null; code: string; error: string }>(
      'select calendar_id, contents, generation, code, error from set_aside where projection = $1 order by calendar_id',
      [name],
    );
  const has = (text: string) => eventually(`"${text}" is there`, async () => (await rows()).includes(text));
  return { name, content, fact, person, projection, refusals, tried, decided, append, run, rows, asides, has };
};

describe('An event of one calendar that cannot be applied', () => {
  it('sets that calendar aside, out of a batch of many, and leaves no row', async () => {
    const { content, append, run, rows, asides, has, tried, decided } = await tale();
    const [mine, ...others] = Array.from({ length: 9 }, () => randomUUID()) as [string, ...string[]];
    for (const id of others) await append(content, id, [1, `first of ${id}`]);
    await append(content, mine, [1, 'good'], [1, 'bad'], [1, 'later']);
    for (const id of others) await append(content, id, [1, `last of ${id}`]);
    const runner = run();
    await has(`last of ${others.at(-1)}`);
    await eventually('it is live', () => runner.progress.live);
    expect(runner.progress.failure).toBeNull();
    expect(await rows(mine)).toEqual(['good']);
    for (const id of others) expect(await rows(id)).toEqual([`first of ${id}`, `last of ${id}`]);
    expect(await asides()).toEqual([{ calendar_id: mine, contents: true, generation: 1, code: 'event-failed', error: 'DatabaseError' }]);
    expect(decided).toMatchObject([{ what: 'aside', calendarId: mine }]);
    // Once with the whole batch, then three times alone.
    expect(tried.filter((text) => text === 'bad').length).toBeGreaterThanOrEqual(3);
  });

  it('is over with the first event of a newer generation, and with none before', async () => {
    const { content, fact, append, run, rows, asides, has, decided } = await tale();
    const mine = randomUUID();
    await append(content, mine, [3, 'old'], [3, 'bad'], [3, 'left out']);
    const runner = run();
    await eventually('it is aside', async () => (await asides()).length === 1);
    await append(content, mine, [3, 'left out too']);
    await append(fact, mine, [0, 'a fact']);
    await has('a fact');
    expect(await rows(mine)).toEqual(['old', 'a fact']);
    await append(content, mine, [4, 'new'], [4, 'newer']);
    await has('newer');
    await runner.stop();
    expect(await rows(mine)).toEqual(['old', 'new', 'newer', 'a fact']);
    expect(await asides()).toEqual([]);
    expect(decided.map(({ what }) => what).slice(-1)).toEqual(['back']);
  });

  it('and fails in every generation is aside again in each', async () => {
    const { content, append, run, rows, asides } = await tale();
    const mine = randomUUID();
    await append(content, mine, [1, 'one'], [1, 'bad']);
    run();
    await eventually('it is aside', async () => (await asides())[0]?.generation === 1);
    await append(content, mine, [2, 'two'], [2, 'bad again'], [2, 'left out']);
    await eventually('it is aside again', async () => (await asides())[0]?.generation === 2);
    expect(await rows(mine)).toEqual(['one', 'two']);
  });

  it('because it does not match its schema waits for a generation of which nothing is missing', async () => {
    const { content, append, run, rows, asides, has } = await tale();
    const mine = randomUUID();
    const broken = { ...codec, encode: () => ({ type: 'Told.v1', data: { generation: 'none' } }) };
    await append(content, mine, [1, 'one']);
    await stores.store.append(`${content}-${mine}`, null, [{ type: 'Told', generation: 0, text: '' }], broken, metadata());
    await append(content, mine, [2, 'perhaps not the first of its generation']);
    await append(content, mine, [3, 'three']);
    const runner = run();
    await has('three');
    expect(await rows(mine)).toEqual(['one', 'three']);
    expect(await asides()).toEqual([]);
    await stores.store.append(`${content}-${mine}`, null, [{ type: 'Told', generation: 0, text: '' }], broken, metadata());
    await eventually('it is aside', async () => (await asides()).length === 1);
    expect(await asides()).toMatchObject([{ code: 'event-unreadable', error: 'UnreadableEvent', generation: null }]);
    await eventually('it goes on', () => runner.progress.failure === null);
  });

  it('because a fact is missing stays aside: no generation tells it again', async () => {
    const { content, fact, append, run, rows, asides } = await tale();
    const mine = randomUUID();
    await append(fact, mine, [0, 'bad']);
    run();
    await eventually('it is aside', async () => (await asides()).length === 1);
    await append(content, mine, [7, 'left out']);
    await append(fact, mine, [0, 'another fact']);
    await eventually('the other fact is there', async () => (await rows(mine)).length === 1);
    expect(await asides()).toMatchObject([{ contents: false, generation: null }]);
  });

  it('for a reason that passes is tried until it can be, and sets nothing aside', async () => {
    const { content, append, run, asides, has, refusals } = await tale();
    const passing = [
      new EngineAway('database', null),
      Object.assign(new Error('deadlock'), { code: '40P01' }),
      Object.assign(new Error('disk'), { code: '53100' }),
    ];
    refusals.set('patience', () => passing.pop() ?? null);
    await append(content, randomUUID(), [1, 'patience']);
    run();
    await has('patience');
    expect([passing, await asides()]).toEqual([[], []]);
  });

  it('because a newer version wrote it stops the projection instead', async () => {
    const { content, append, run, asides, rows } = await tale();
    const mine = randomUUID();
    await append(content, mine, [1, 'known']);
    const newer = { ...codec, encode: () => ({ type: 'Told.v2', data: {} }) };
    await stores.store.append(`${content}-${mine}`, null, [{ type: 'Told', generation: 0, text: '' }], newer, metadata());
    await append(content, randomUUID(), [1, 'behind it']);
    const runner = run();
    await eventually('it has stopped', () => runner.progress.failure?.code === 'event-unknown');
    expect([await asides(), await rows()]).toEqual([[], ['known']]);
  });

  it('asks for a new generation at once, and again no sooner than a day later', async () => {
    const { content, append, run, asides } = await tale();
    const mine = randomUUID();
    await stores.database.query(
      `insert into sync_state (calendar_id, connection_id, user_id, provider, sealed, due_at)
       values ($1, $1, 'ada', 'caldav', '', clock_timestamp() + interval '1 hour')`,
      [mine],
    );
    const asked = async () => {
      const [row] = await stores.database.query<{ full_requested: boolean; due: boolean }>(
        'select full_requested, due_at <= clock_timestamp() as due from sync_state where calendar_id = $1',
        [mine],
      );
      return row;
    };
    await append(content, mine, [1, 'bad']);
    run();
    await eventually('it is asked for', async () => (await asked())?.full_requested);
    expect(await asked()).toEqual({ full_requested: true, due: true });
    await stores.database.query(`update sync_state set full_requested = false where calendar_id = $1`, [mine]);
    await append(content, mine, [2, 'bad again']);
    await eventually('it is aside again', async () => (await asides())[0]?.generation === 2);
    await append(content, mine, [3, 'bad once more']);
    await eventually('it is aside once more', async () => (await asides())[0]?.generation === 3);
    expect((await asked())?.full_requested).toBe(false);
    await stores.database.query(`update sync_state set remade_at = remade_at - interval '25 hours' where calendar_id = $1`, [mine]);
    await append(content, mine, [4, 'bad for days']);
    await eventually('it is asked for again', async () => (await asked())?.full_requested);
  });
});

describe('An event of a person that cannot be applied', () => {
  it('stops the projection where it is, and sets no calendar aside', async () => {
    const { content, person, append, run, rows, asides } = await tale();
    await append(content, randomUUID(), [1, 'before']);
    await append(person, 'ada', [0, 'bad']);
    await append(content, randomUUID(), [1, 'after']);
    const runner = run();
    await eventually('it has stopped', () => runner.progress.failure?.code === 'event-failed');
    expect([await rows(), await asides()]).toEqual([[], []]);
  });
});

describe('A projection that is built again', () => {
  it('sets the same calendars aside, and has the same rows', async () => {
    const { name, content, fact, projection, append, run, rows, asides } = await tale();
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
    await append(content, one, [1, 'a'], [1, 'bad'], [1, 'left out'], [2, 'b']);
    await append(content, two, [1, 'c'], [1, 'bad'], [1, 'left out']);
    await append(fact, three, [0, 'bad'], [0, 'd']);
    const runner = run();
    await eventually('all is applied', async () => (await rows()).includes('d') && runner.progress.live);
    const before = [await rows(), await asides()];
    await stores.database.query(`truncate ${name}`);
    await rebuildProjection(stores, projection, () => undefined, new AbortController().signal);
    expect([await rows(), await asides()]).toEqual(before);
    expect((await asides()).map(({ calendar_id }) => calendar_id)).toEqual([two, three].sort());
  });

  it('brings back what stayed aside for a fact, with contents and all, when a newer version can apply it', async () => {
    const { content, fact, projection, append, run, rows, asides, has, refusals } = await tale();
    const mine = randomUUID();
    let old = true;
    refusals.set('fact', () => (old ? new TypeError('this version cannot apply it') : null));
    await append(fact, mine, [0, 'fact']);
    await append(content, mine, [1, 'left out']);
    await append(content, randomUUID(), [1, 'of another']);
    const runner = run();
    await has('of another');
    expect([await rows(mine), (await asides()).length]).toEqual([[], 1]);
    await runner.stop();
    old = false;
    await rebuildProjection(stores, projection, () => undefined, new AbortController().signal);
    expect([await rows(mine), await asides()]).toEqual([['left out', 'fact'], []]);
  });
});
