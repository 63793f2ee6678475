import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { notFollowing, runFollower } from '../../src/infra/postgres/follower.runner.js';
import { type RawEvent } from '../../src/kernel/event-store.js';
import { acknowledged, decodedLog, type Follower, type Placed, rawLog } from '../../src/kernel/follower.js';
import { type ChangesAt } from '../../src/merged-events/changes/change-row.js';
import { followedChanges } from '../../src/merged-events/changes/changes.source.js';
import { testEndings } from '../support/opened.js';
import { eventually, metadata, noted, type Noted, notes, openStores, type Stores } from '../support/store.js';

const DELIVERING = fileURLToPath(new URL('../support/delivering.mjs', import.meta.url));

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
  await stores.database.query('create table delivered (nr bigserial primary key, follower text not null, id uuid not null, text text)');
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const start = <T extends Placed>(follower: Follower<T>) => {
  const aborting = new AbortController();
  const progress = notFollowing(follower.name);
  const ended = runFollower(stores, follower, progress, aborting.signal, { standingBy: 50, failed: 50, unknown: 50 });
  const stop = async (): Promise<void> => {
    aborting.abort();
    await ended;
  };
  atEnd(stop);
  return { progress, stop };
};

/** A stream of its own, and where what follows it stands. */
const probe = () => {
  const name = `follower${randomUUID().slice(0, 8)}`;
  const append = (...texts: readonly string[]) => stores.store.append(`${name}-a`, null, texts.map(noted), notes, metadata());
  const checkpoint = async (): Promise<bigint> => {
    const [row] = await stores.database.query<{ position: string | null }>('select position from checkpoint where name = $1', [name]);
    return BigInt(row?.position ?? -1);
  };
  return { name, append, checkpoint, source: decodedLog(stores.store, [{ category: name, codec: notes }]) };
};

const textsOf = (items: readonly Readonly<{ event: Noted }>[]): readonly string[] => items.map(({ event }) => event.text);

describe('A follower that delivers to another system', () => {
  it('delivers every event in order, and moves its checkpoint after the acknowledgement', async () => {
    const { name, append, checkpoint, source } = probe();
    const told: string[] = [];
    let [acknowledge, asked] = [(): void => undefined, false];
    const acknowledgement = new Promise<void>((resolve) => (acknowledge = resolve));
    const { position } = await append('a', 'b');
    const handle = acknowledged<Readonly<{ event: Noted }> & Placed>(async (items) => {
      asked = true;
      await acknowledgement;
      told.push(...textsOf(items));
      return items.length;
    });
    start({ name, kind: 'relay', meaning: 1, source, handle });
    await eventually('it delivers', () => asked);
    expect(await checkpoint()).toBeLessThan(position - 1n);
    acknowledge();
    await eventually('its checkpoint moves', async () => (await checkpoint()) >= position);
    expect(told).toEqual(['a', 'b']);
  });

  it('goes on behind the last event that was acknowledged when only some of a batch were', async () => {
    const { name, append, source, checkpoint } = probe();
    const told: string[] = [];
    const { position } = await append('a', 'b', 'c');
    const handle = acknowledged<Readonly<{ event: Noted }> & Placed>((items) => {
      told.push(...textsOf(items.slice(0, 1)));
      return Promise.resolve(1);
    });
    const first = start({ name, kind: 'relay', meaning: 1, source, handle });
    await eventually('all are delivered', async () => (await checkpoint()) >= position);
    await first.stop();
    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('delivers again, and loses nothing, when it failed after the acknowledgement', async () => {
    const { name, append, source } = probe();
    const told: (readonly string[])[] = [];
    await append('a', 'b');
    const handle: Follower<Readonly<{ event: Noted }> & Placed>['handle'] = async (items, means) => {
      told.push(textsOf(items));
      if (told.length === 1) throw new Error('the process died here');
      return means.commit(() => Promise.resolve(items.length));
    };
    const { progress } = start({ name, kind: 'relay', meaning: 1, source, handle });
    await eventually('it delivers again', () => told.length >= 2);
    await append('c');
    await eventually('it goes on', () => told.flat().includes('c'));
    expect([told[0]?.[0], told[1]?.[0]]).toEqual(['a', 'a']);
    expect(told.slice(1).flat()).toEqual(['a', 'b', 'c']);
    await eventually('its failure is over', () => progress.failure === null);
  });

  it('that is killed between acknowledgement and checkpoint delivers the same events again, and loses none', async () => {
    const { name, append } = probe();
    const { engines, database } = stores;
    const delivered = async (): Promise<readonly Readonly<{ id: string; text: string }>[]> =>
      database.query<Readonly<{ id: string; text: string }>>('select id, text from delivered where follower = $1 order by nr', [name]);
    const live = (last: string | null) => {
      const given = { databaseUrl: engines.databaseUrl('juy'), eventStoreUrl: engines.eventStoreUrl, name, last };
      return spawn(process.execPath, [DELIVERING, JSON.stringify(given)], { stdio: 'inherit' });
    };
    await append('a', 'b', 'c');
    const killed = live('b');
    expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
    expect((await delivered()).map(({ text }) => text)).toEqual(['a', 'b']);
    await append('d');
    const next = live(null);
    atEnd(async () => {
      next.kill('SIGKILL');
      if (next.exitCode === null && next.signalCode === null) await once(next, 'exit');
    });
    await eventually('the last is delivered', async () => (await delivered()).some(({ text }) => text === 'd'));
    const all = await delivered();
    expect(all.map(({ text }) => text)).toEqual(['a', 'b', 'a', 'b', 'c', 'd']);
    // Receivers recognise what comes again.
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
  });
});

describe('A follower', () => {
  it('commits between two events once they have taken long, although more of them wait', async () => {
    const { name, append, checkpoint, source } = probe();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const told: string[] = [];
    const { position } = await append('short', 'long', 'longer', 'last');
    const handle: Follower<Readonly<{ event: Noted }> & Placed>['handle'] = (items, { commit }) =>
      commit(async (_, isOver) => {
        let count = 0;
        for (const { event } of items) {
          if (event.text === 'long') await sleep(300);
          if (event.text === 'longer') await held;
          told.push(event.text);
          count += 1;
          if (isOver()) break;
        }
        return count;
      });
    const { progress } = start({ name, kind: 'projection', meaning: 1, source, handle });
    await eventually('the first two are committed', () => told.length === 2 && (progress.position ?? -1n) > 0n);
    expect(await checkpoint()).toBeLessThan(position);
    letGo();
    await eventually('the rest is', async () => (await checkpoint()) >= position);
    expect(told).toEqual(['short', 'long', 'longer', 'last']);
  });

  it('waits while another process follows, and takes over when that one has stopped', async () => {
    const { name, append, source } = probe();
    const told: string[] = [];
    const as = (who: string) =>
      start<Readonly<{ event: Noted }> & Placed>({
        name,
        kind: 'relay',
        meaning: 1,
        source,
        handle: acknowledged((items) => {
          told.push(...textsOf(items).map((text) => `${who} ${text}`));
          return Promise.resolve(items.length);
        }),
      });
    const first = as('first');
    await eventually('the first follows', () => first.progress.running);
    const second = as('second');
    await append('a');
    await eventually('it is told', () => told.length === 1);
    await first.stop();
    await append('b');
    await eventually('the other is told', () => told.length === 2);
    expect(told).toEqual(['first a', 'second b']);
    expect(second.progress.running).toBe(true);
  });
});

describe('A follower of the whole log', () => {
  it('is given every event undecoded, of any stream and any version, and nothing of the store itself', async () => {
    const { name, append } = probe();
    const found: RawEvent[] = [];
    await append('known');
    const unheard = { ...notes, encode: () => ({ type: 'Unheard.v9', data: { of: ['nobody', 9] } }) };
    const other = `other${name}-a`;
    const by = metadata();
    await stores.store.append(other, null, [noted('')], unheard, by);
    await stores.store.truncateBefore(`${name}-a`, 1n);
    await append('last');
    start({
      name,
      kind: 'relay',
      meaning: 1,
      source: rawLog(stores.store),
      handle: acknowledged((items: readonly RawEvent[]) => {
        found.push(...items);
        return Promise.resolve(items.length);
      }),
    });
    await eventually('it is given the last', () => found.some(({ stream, revision }) => stream === `${name}-a` && revision === 1n));
    const ours = found.filter(({ stream }) => stream.includes(name));
    expect(ours.map(({ stream, type, data }) => [stream, type, data])).toEqual([
      [`${name}-a`, 'Noted.v1', { text: 'known' }],
      [other, 'Unheard.v9', { of: ['nobody', 9] }],
      [`${name}-a`, 'Noted.v1', { text: 'last' }],
    ]);
    expect(ours[1]?.metadata).toMatchObject({ commandId: by.commandId, actor: by.actor, schema: 'Unheard.v9' });
    expect(found.map(({ position }) => position)).toEqual(found.map(({ position }) => position).sort((a, b) => (a < b ? -1 : 1)));
    expect(found.filter(({ stream, type }) => stream.startsWith('$') || type.startsWith('$'))).toEqual([]);
  });
});

describe('A follower of the change feed', () => {
  const insert = (user: string, position: number, part: number) =>
    stores.database.query(`insert into changes (user_id, position, part, at, change) values ($1, $2, $3, now(), 'calendar-changed')`, [
      user,
      position,
      part,
    ]);
  const reach = (position: number) =>
    stores.database.query(
      `insert into checkpoint (name, position) values ('user_calendar_events', $1) on conflict (name) do update set position = excluded.position`,
      [position],
    );

  it('is given everybody’s changes in the order of the log, those of one place together, once the merged calendar is there', async () => {
    const { name, append } = probe();
    // A log that is as long, so that the checkpoint is within it.
    await append('x'.repeat(2_000));
    for (const [user, position, part] of [
      ['grace', 20, 1],
      ['ada', 10, 1],
      ['ada', 20, 2],
      ['ada', 20, 1],
      ['ada', 31, 1],
    ] as const)
      await insert(user, position, part);
    await reach(30);
    const found: (readonly [bigint, readonly string[]])[] = [];
    const follow = () =>
      start({
        name,
        kind: 'relay',
        meaning: 1,
        source: followedChanges(stores.database),
        handle: acknowledged((items: readonly ChangesAt[]) => {
          found.push(
            ...items.map(({ position, changes }) => [position, changes.map(({ user_id, part }) => `${user_id} ${part}`)] as const),
          );
          return Promise.resolve(items.length);
        }),
      });
    const first = follow();
    await eventually('it is live', () => first.progress.live && first.progress.position === 30n);
    expect(found).toEqual([
      [10n, ['ada 1']],
      [20n, ['ada 1', 'ada 2', 'grace 1']],
    ]);
    await first.stop();
    await insert('grace', 40, 1);
    await reach(50);
    follow();
    await eventually('it goes on', () => found.length === 4);
    expect(found.slice(2)).toEqual([
      [31n, ['ada 1']],
      [40n, ['grace 1']],
    ]);
  });

  it('finds them by an index', async () => {
    await stores.database.transaction(async (sql) => {
      await sql.query('set local enable_seqscan = off');
      const plan = await sql.query('explain select * from changes where position > 5 and position <= 9 order by position');
      expect(JSON.stringify(plan)).toContain('changes_position');
    });
  });
});
