import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Pauses } from '../../src/infra/postgres/follower.runner.js';
import { applyEach, FACTS_OF_CALENDARS, type Projection } from '../../src/kernel/projection.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, noted, type Noted, notes, openStores, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
  await stores.database.query('create table probe (id bigserial primary key, projection text not null, text text not null)');
});
afterAll(() => stores.stop());
const atEnd = testEndings();

/** A projection of its own, with a stream it follows and everything a test wants to know of it. */
const probe = () => {
  const name = `probe${randomUUID().slice(0, 8)}`;
  const broken = new Set<string>();
  const projection: Projection<Noted> = {
    name,
    meaning: 1,
    families: [{ category: name, codec: notes }],
    apply: applyEach<Noted>({
      Noted: async (sql, { event }) => {
        await sql.query('insert into probe (projection, text) values ($1, $2)', [name, event.text]);
        if (broken.has(event.text)) throw new TypeError('it cannot be applied');
      },
    }),
    tables: [],
    separable: null,
  };
  const run = (pauses: Partial<Pauses> = {}, as = projection) => {
    const running = startProjection(stores, as, pauses);
    atEnd(running.stop);
    return running;
  };
  const rows = async (): Promise<readonly string[]> =>
    (await stores.database.query<{ text: string }>('select text from probe where projection = $1 order by id', [name])).map(
      ({ text }) => text,
    );
  const checkpoint = async (): Promise<bigint | null> => {
    const [row] = await stores.database.query<{ position: string | null }>('select position from checkpoint where name = $1', [name]);
    return row === undefined || row.position === null ? null : BigInt(row.position);
  };
  const append = (...texts: readonly string[]) => stores.store.append(`${name}-a`, null, texts.map(noted), notes, metadata());
  const written = (count: number) => eventually(`${count} rows are written`, async () => (await rows()).length >= count);
  return { name, projection, broken, run, rows, checkpoint, append, written };
};

/** Ends the database connections that hold a projection's lock, as an operator or a broken network would. */
const endLockHolders = async (name: string): Promise<number> => {
  const ended = await stores.database.query(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()
       and classid = (hashtext('projection')::bigint & 4294967295)::oid and objid = (hashtext($1)::bigint & 4294967295)::oid`,
    [name],
  );
  return ended.length;
};

const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => String(index));

describe('A projection', () => {
  it('writes the rows of every event once, in order, and says how far it is', async () => {
    const { run, rows, append, written, checkpoint } = probe();
    await append('a', 'b');
    const runner = run();
    await written(2);
    const { position } = await append('c');
    await written(3);
    await eventually('it is live', () => runner.progress.live);
    expect(runner.progress).toMatchObject({ running: true, failure: null });
    await runner.stop();
    expect(await rows()).toEqual(['a', 'b', 'c']);
    expect(await checkpoint()).toBeGreaterThanOrEqual(position);
    expect(runner.progress).toMatchObject({ running: false, live: false });
  });

  it('commits between two chunks of contents once they have taken long, so that no reader waits for all of it', async () => {
    const { name, run, rows, append, projection } = probe();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const slow: Projection<Noted> = {
      ...projection,
      separable: { ...FACTS_OF_CALENDARS, contents: [name] },
      apply: async (sql, events) => {
        await projection.apply(sql, events);
        if (events.some(({ event }) => event.text === 'long')) await sleep(300);
        if (events.some(({ event }) => event.text === 'longer')) await held;
      },
    };
    const { position } = await append('short', 'long', 'longer', 'last');
    const runner = run({}, slow);
    await eventually('what came before is there', async () => (await rows()).length === 2);
    expect(runner.progress.position).toBeLessThan(position);
    letGo();
    await eventually('the rest is there', async () => (await rows()).length === 4);
    expect(await rows()).toEqual(['short', 'long', 'longer', 'last']);
    await eventually('it is where the log ends', () => (runner.progress.position ?? 0n) >= position);
  });

  it('commits between two facts as well, which it applies one after the other', async () => {
    const { run, rows, append, projection } = probe();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const slow: Projection<Noted> = {
      ...projection,
      apply: async (sql, events) => {
        await projection.apply(sql, events);
        if (events.some(({ event }) => event.text === 'long')) await sleep(300);
        if (events.some(({ event }) => event.text === 'longer')) await held;
      },
    };
    await append('short', 'long', 'longer', 'last');
    run({}, slow);
    await eventually('what came before is there', async () => (await rows()).length === 2);
    letGo();
    await eventually('the rest is there', async () => (await rows()).length === 4);
    expect(await rows()).toEqual(['short', 'long', 'longer', 'last']);
  });

  it('goes on where it was when it runs again', async () => {
    const { run, rows, append, written } = probe();
    await append('a');
    const first = run();
    await written(1);
    await first.stop();
    await append('b');
    const second = run();
    await written(2);
    await second.stop();
    expect(await rows()).toEqual(['a', 'b']);
  });

  it('that cannot apply an event keeps neither rows nor checkpoint of it, shows why, and tries again', async () => {
    const { run, rows, append, written, broken, checkpoint } = probe();
    const { position: before } = await append('a');
    const runner = run();
    await written(1);
    await eventually('the first is committed', async () => ((await checkpoint()) ?? -1n) >= before);
    broken.add('bad');
    const { position: after } = await append('bad', 'b');
    await eventually('it shows its failure', () => runner.progress.failure?.code === 'event-failed');
    expect(await rows()).toEqual(['a']);
    expect((await checkpoint()) ?? 0n).toBeLessThan(after - 1n);
    broken.clear();
    await written(3);
    await eventually('the failure is over', () => runner.progress.failure === null);
    await runner.stop();
    expect(await rows()).toEqual(['a', 'bad', 'b']);
  });
});

describe('A projection that meets an event its program does not know', () => {
  const newer = { ...notes, encode: () => ({ type: 'Noted.v2', data: { text: 'newer' } }) };
  const knowing: typeof notes = {
    ...notes,
    reads: [...notes.reads, 'Noted.v2'],
    decode: (type, data) => (type === 'Noted.v2' ? noted('newer') : notes.decode(type, data)),
  };

  const met = async () => {
    const made = probe();
    await made.append('a');
    await stores.store.append(`${made.name}-b`, null, [noted('')], newer, metadata());
    await made.append('b');
    return made;
  };

  it('stops there with everything before applied, and says so without what the event holds', async () => {
    const { run, rows } = await met();
    const runner = run();
    await eventually('it has stopped', () => runner.progress.failure?.code === 'event-unknown');
    expect(runner.progress.failure?.sentence).toContain('Noted.v2');
    expect(runner.progress).toMatchObject({ running: false, live: false });
    expect(await rows()).toEqual(['a']);
  });

  it('leaves its lock to a newer program, stands by, and skips nothing when it comes back', async () => {
    const { projection, run, written, rows } = await met();
    const older = run({ unknown: 20 });
    await eventually('it has stopped', () => older.progress.failure?.code === 'event-unknown');
    const newProgram = startProjection(stores, { ...projection, families: [{ category: projection.name, codec: knowing }] });
    atEnd(newProgram.stop);
    await written(3);
    await eventually('the older one stands by', () => older.progress.failure === null && !older.progress.running);
    expect(newProgram.progress).toMatchObject({ running: true, failure: null });
    await older.stop();
    await newProgram.stop();
    expect(await rows()).toEqual(['a', 'newer', 'b']);
  });

  it('goes on by itself once it knows the event', async () => {
    const { projection, written, rows } = await met();
    let codec = notes;
    const family = {
      category: projection.name,
      get codec() {
        return codec;
      },
    };
    const runner = startProjection(stores, { ...projection, families: [family] }, { unknown: 20 });
    atEnd(runner.stop);
    await eventually('it has stopped', () => runner.progress.failure?.code === 'event-unknown');
    codec = knowing;
    await written(3);
    await eventually('its failure is over', () => runner.progress.failure === null);
    expect(await rows()).toEqual(['a', 'newer', 'b']);
  });
});

describe('Two runners of one projection', () => {
  it('never write both: the second stands by until the first has gone', async () => {
    const { run, rows, append, written } = probe();
    const first = run();
    await eventually('the first runs', () => first.progress.running);
    const second = run();
    await append(...numbers(20));
    await written(20);
    expect([first.progress.running, second.progress.running]).toEqual([true, false]);
    await first.stop();
    await append('last');
    await written(21);
    expect(second.progress.running).toBe(true);
    await second.stop();
    expect(await rows()).toEqual([...numbers(20), 'last']);
  });

  it('change over when the connection that holds the lock is lost, and nothing is lost or doubled', async () => {
    const { name, run, rows, append, written } = probe();
    const runners = [run(), run()];
    const texts = numbers(120);
    let ended = 0;
    for (const [index, text] of texts.entries()) {
      if (index % 40 === 20) {
        await eventually('one holds the lock', () => runners.some(({ progress }) => progress.running));
        ended += await endLockHolders(name);
      }
      await append(text);
    }
    await written(texts.length);
    await append('last');
    await written(texts.length + 1);
    expect(ended).toBeGreaterThan(0);
    await Promise.all(runners.map(({ stop }) => stop()));
    expect(await rows()).toEqual([...texts, 'last']);
  });
});

describe('A projection whose log was replaced by an older one', () => {
  /** Stands where it would after events that this log does not have. */
  const goneFurther = async (columns: 'position' | 'position, applied') => {
    const made = probe();
    await made.append('a');
    const first = made.run();
    await made.written(1);
    await first.stop();
    const values = columns.split(', ').map(() => String(2n ** 62n));
    await stores.database.query(`update checkpoint set (${columns}) = row(${values.join(', ')}) where name = $1`, [made.name]);
    await made.append('b');
    return made;
  };

  it('stops and says why, rather than take new events for those it has applied', async () => {
    const { run, rows } = await goneFurther('position, applied');
    const runner = run();
    await eventually('it has stopped', () => runner.progress.failure?.code === 'log-older');
    await runner.stop();
    expect(await rows()).toEqual(['a']);
  });

  it('goes on from the last event it applied when it had only looked further, and misses nothing', async () => {
    const { run, written, rows } = await goneFurther('position');
    const runner = run();
    await written(2);
    await runner.stop();
    expect(await rows()).toEqual(['a', 'b']);
  });
});

describe('A runner whose checkpoint was moved by another', () => {
  it('stops writing and goes on from where the other is', async () => {
    const { name, run, rows, append, written } = probe();
    await append('mine');
    const runner = run();
    await written(1);
    await eventually('it is live', () => runner.progress.live);
    // The other runner is in the middle of its commit while this one comes to the same event.
    await stores.database.transaction(async (sql) => {
      await sql.query('select 1 from checkpoint where name = $1 for update', [name]);
      const { position } = await append('taken by the other');
      await sql.query('update checkpoint set position = $2 where name = $1', [name, position]);
    });
    await eventually('it notices', () => runner.progress.failure?.code === 'superseded');
    await append('mine again');
    await written(2);
    await runner.stop();
    expect(await rows()).toEqual(['mine', 'mine again']);
  });
});
