import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Crowds, workOff } from '../../src/infra/postgres/due-work.postgres.js';
import { PRESENCE } from '../../src/infra/postgres/presence.postgres.js';
import { type DueTask, type Lease, Superseded } from '../../src/kernel/due-work.js';
import { NOW } from '../support/builders.js';
import { testEndings } from '../support/opened.js';
import { eventually, openStores, type Stores } from '../support/store.js';

type Row = Readonly<{ connection_id: string }>;

let stores: Stores;
let now = NOW;
const clock = { now: (): number => now };

beforeAll(async () => {
  stores = await openStores();
});
beforeEach(async () => {
  now = NOW;
  await stores.database.query('truncate connection_state');
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const at = (milliseconds: number): string => new Date(milliseconds).toISOString();
const addRow = async (due = NOW, provider = 'caldav'): Promise<string> => {
  const id = randomUUID();
  await stores.database.query(
    `insert into connection_state (connection_id, user_id, provider, task, due_at) values ($1, 'ada', $3, 'discover', $2)`,
    [id, at(due), provider],
  );
  return id;
};
const rowOf = async (id: string) => {
  const [row] = await stores.database.query<{ due_at: Date; epoch: string; claimed_until: Date | null; failures: number }>(
    'select due_at, epoch, claimed_until, failures from connection_state where connection_id = $1',
    [id],
  );
  if (row === undefined) throw new Error('the row is gone');
  return row;
};

const claimedBy = async (id: string): Promise<unknown> => {
  const [row] = await stores.database.query('select claimed_by from connection_state where connection_id = $1', [id]);
  return row?.['claimed_by'];
};

/** Ends the connections that say which workers live, as a broken network would. */
const endPresences = () =>
  stores.database.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = ${PRESENCE}`);

const livingNumbers = async (): Promise<readonly unknown[]> => {
  const rows = await stores.database.query(
    `select objid::bigint as number from pg_locks where locktype = 'advisory' and classid = ${PRESENCE} and granted`,
  );
  return rows.map(({ number }) => number);
};

/** What a task does at its end: the row is due again in a day, and says how often this was done. Answers whether the claim still held. */
const finish = async ({ connection_id }: Row, { epoch }: Lease): Promise<boolean> => {
  const rows = await stores.database.query(
    'update connection_state set due_at = $3, failures = failures + 1 where connection_id = $1 and epoch = $2 returning 1',
    [connection_id, epoch, at(now + 86_400_000)],
  );
  return rows.length === 1;
};
const hint = () => stores.database.query('notify connection_state');
const wake = async (id: string): Promise<void> => {
  await stores.database.query('update connection_state set wake = true, due_at = $2 where connection_id = $1', [id, at(now)]);
  await hint();
};

const startWorker = (task: DueTask<Row>, concurrency = 4, crowds?: Crowds<Row>, log = stores.log, idle?: number) => {
  const aborting = new AbortController();
  const ended = workOff<Row>(
    { database: stores.database, clock, log },
    {
      ...({ table: 'connection_state', key: 'connection_id', order: 'due_at', concurrency, task } as const),
      ...(crowds === undefined ? {} : { crowds }),
      ...(idle === undefined ? {} : { idle }),
    },
    aborting.signal,
  );
  const stop = async (): Promise<void> => {
    aborting.abort();
    await ended;
  };
  atEnd(stop);
  return { stop, stopping: aborting.signal };
};

/** How much a signal holds, of listeners and of signals that were made of it. */
const keptBy = (signal: AbortSignal): number =>
  Object.getOwnPropertySymbols(signal)
    .map((name) => (signal as unknown as Record<symbol, { size?: number } | undefined>)[name]?.size ?? 0)
    .reduce((sum, size) => sum + size, getEventListeners(signal, 'abort').length);

/** A gate a task waits at until the test opens it, or is over. */
const gate = () => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  atEnd(open);
  return { opened, open };
};

describe('Due work', () => {
  it('is never done twice at once, and all of it is done, however many workers there are', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, () => addRow()));
    const held = new Set<string>();
    const doneBy = new Map<string, string[]>();
    const [begun, both] = [new Set<string>(), gate()];
    let collisions = 0;
    const task =
      (worker: string): DueTask<Row> =>
      async (row, lease) => {
        // Neither does all of it before the other has come.
        if (begun.add(worker).size === 2) both.open();
        await both.opened;
        if (held.has(row.connection_id)) collisions += 1;
        held.add(row.connection_id);
        await sleep(5);
        await finish(row, lease);
        held.delete(row.connection_id);
        doneBy.set(row.connection_id, [...(doneBy.get(row.connection_id) ?? []), worker]);
      };
    const workers = ['one', 'other'].map((name) => startWorker(task(name)));
    await eventually('all is done', () => doneBy.size === ids.length);
    await Promise.all(workers.map(({ stop }) => stop()));
    expect(collisions).toBe(0);
    expect([...doneBy.values()].every((workers) => workers.length === 1)).toBe(true);
    expect(new Set([...doneBy.values()].flat())).toEqual(new Set(['one', 'other']));
  });

  it('that is not due yet, or that somebody holds, is left alone', async () => {
    const [later, held, due] = [await addRow(NOW + 1), await addRow(), await addRow()];
    await stores.database.query('update connection_state set claimed_until = $2 where connection_id = $1', [held, at(NOW + 8_000)]);
    const done: string[] = [];
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done.push(row.connection_id);
    });
    await eventually('the due row is done', () => done.length > 0);
    await worker.stop();
    expect(done).toEqual([due]);
    expect([await rowOf(later), await rowOf(held)]).toMatchObject([{ epoch: '0' }, { epoch: '0' }]);
  });

  it('of a worker that died is free at once, long before its lease has ended', async () => {
    const [id, other] = [await addRow(), await addRow()];
    const killed = new pg.Client({ connectionString: stores.engines.databaseUrl('juy') });
    await killed.connect();
    atEnd(() => killed.end());
    await killed.query('select pg_advisory_lock($1, 1000000)', [PRESENCE]);
    await stores.database.query(
      'update connection_state set epoch = 1, claimed_until = $2, claimed_by = 1000000 where connection_id = $1',
      [id, at(NOW + 8_000)],
    );
    const done: string[] = [];
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done.push(row.connection_id);
    });
    await eventually('what nobody holds is done', () => done.length > 0);
    const later = await addRow();
    await hint();
    await eventually('it has looked again', () => done.length > 1);
    expect(done).toEqual([other, later]);
    await killed.end();
    await eventually('the rest is done', () => done.length > 2);
    await worker.stop();
    expect(done).toEqual([other, later, id]);
  });

  it('of a worker that lost its connection stays its own, and it goes on under another number', async () => {
    const id = await addRow();
    const [started, finished] = [gate(), gate()];
    const numbers: unknown[] = [];
    const worker = startWorker(async (row, lease) => {
      numbers.push(await claimedBy(row.connection_id));
      if (row.connection_id === id) {
        started.open();
        await finished.opened;
      }
      await finish(row, lease);
    });
    await started.opened;
    await endPresences();
    await eventually('it has another number', async () => (await livingNumbers()).some((number) => number !== numbers[0]));
    const later = await addRow();
    await eventually('new work is done', async () => (await rowOf(later)).failures === 1);
    expect(await rowOf(id)).toMatchObject({ epoch: '1', failures: 0 });
    finished.open();
    await eventually('its own is done', async () => (await rowOf(id)).failures === 1);
    await worker.stop();
    expect(new Set(numbers).size).toBe(2);
  });

  it('of a worker that says nothing more is free when its lease has ended', async () => {
    const id = await addRow();
    await stores.database.query('update connection_state set epoch = 1, claimed_until = $2 where connection_id = $1', [
      id,
      at(NOW + 8_000),
    ]);
    const done: [string, bigint][] = [];
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done.push([row.connection_id, lease.epoch]);
    });
    now = NOW + 8_000;
    const other = await addRow(now);
    await hint();
    await eventually('it has looked', () => done.length > 0);
    expect(done).toEqual([[other, 1n]]);
    now = NOW + 8_001;
    await hint();
    await eventually('it is done', () => done.length > 1);
    await worker.stop();
    expect(done[1]).toEqual([id, 2n]);
  });

  it('of a worker that was frozen is no longer its own: it may do nothing more, and what it writes changes nothing', async () => {
    const id = await addRow();
    const [started, thawed] = [gate(), gate()];
    const found: unknown[] = [];
    const worker = startWorker(async (row, lease) => {
      started.open();
      await thawed.opened;
      found.push(await lease.permit().catch((error: unknown) => error), await finish(row, lease));
      await eventually('it is told', () => lease.signal.aborted);
      found.push(lease.signal.reason);
    });
    await started.opened;
    await stores.database.query('update connection_state set epoch = epoch + 1, claimed_until = $2, due_at = $3 where connection_id = $1', [
      id,
      at(NOW + 60_000),
      at(NOW + 5),
    ]);
    thawed.open();
    await eventually('it has given up', () => found.length === 3);
    await worker.stop();
    expect(found).toEqual([expect.any(Superseded), false, expect.any(Superseded)]);
    expect(await rowOf(id)).toMatchObject({ epoch: '2', failures: 0, due_at: new Date(NOW + 5), claimed_until: new Date(NOW + 60_000) });
  });

  it('is permitted for as long as the claim holds, which is renewed while the work lasts', async () => {
    const id = await addRow();
    const permitted: boolean[] = [];
    const worker = startWorker(async (row, lease) => {
      now = NOW + 5_000;
      await eventually('the claim is renewed', async () => (await rowOf(id)).claimed_until?.getTime() === NOW + 13_000);
      await lease.permit();
      permitted.push(await finish(row, lease));
    });
    await eventually('it is done', () => permitted.length > 0);
    await worker.stop();
    expect(permitted).toEqual([true]);
    expect(await rowOf(id)).toMatchObject({ claimed_until: null });
  });
});

describe('A hint', () => {
  it('wakes a worker that would not look again by itself', async () => {
    const id = await addRow(NOW + 60_000);
    let runs = 0;
    const task: DueTask<Row> = async (row, lease) => {
      runs += 1;
      await finish(row, lease);
    };
    const worker = startWorker(task, 4, undefined, stores.log, 86_400_000);
    for (let time = 1; time <= 5; time += 1) {
      await wake(id);
      await eventually('it has run', async () => runs === time && (await rowOf(id)).claimed_until === null);
    }
    await worker.stop();
  });

  it('during a run causes exactly one more run, however often it comes', async () => {
    const id = await addRow();
    const [started, hinted] = [gate(), gate()];
    let runs = 0;
    const worker = startWorker(async (row, lease) => {
      runs += 1;
      started.open();
      await hinted.opened;
      await finish(row, lease);
    });
    await started.opened;
    for (let time = 0; time < 3; time += 1) await wake(id);
    hinted.open();
    await eventually('it has run again', () => runs === 2);
    await eventually('it rests', async () => (await rowOf(id)).claimed_until === null && (await rowOf(id)).failures === 2);
    const probe = await addRow();
    await hint();
    await eventually('later work is done', async () => (await rowOf(probe)).failures === 1);
    await worker.stop();
    expect(await rowOf(id)).toMatchObject({ failures: 2, due_at: new Date(NOW + 86_400_000) });
  });
});

describe('Work that fails', () => {
  it('is tried again after a pause', async () => {
    const id = await addRow(NOW - 60_000);
    let runs = 0;
    const worker = startWorker(async (row, lease) => {
      runs += 1;
      if (runs === 1) throw new Error('it failed');
      await finish(row, lease);
    });
    await eventually('it has failed', async () => runs === 1 && (await rowOf(id)).claimed_until === null);
    expect(await rowOf(id)).toMatchObject({ due_at: new Date(NOW + 5_000) });
    now = NOW + 5_000;
    await hint();
    await eventually('it is done', async () => (await rowOf(id)).failures === 1);
    await worker.stop();
    expect(runs).toBe(2);
  });

  it('does not keep other work waiting', async () => {
    const bad = await addRow();
    const good = await addRow(NOW + 1);
    const worker = startWorker((row, lease) => {
      if (row.connection_id === bad) throw new Error('it failed at once');
      return finish(row, lease).then(() => undefined);
    }, 1);
    await eventually('the first has failed', async () => (await rowOf(bad)).due_at.getTime() === NOW + 5_000);
    now = NOW + 1;
    await hint();
    await eventually('the other is done', async () => (await rowOf(good)).failures === 1);
    await worker.stop();
  });
});

describe('A worker that is stopped', () => {
  it('tells its work to stop, waits for it, and leaves the row free at once', async () => {
    const id = await addRow();
    const started = gate();
    const worker = startWorker(async (_, { signal }) => {
      started.open();
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      throw new Error('it was stopped');
    });
    await started.opened;
    await worker.stop();
    expect(await rowOf(id)).toMatchObject({ claimed_until: null, due_at: new Date(NOW) });
  });

  it('while it asks for work begins nothing, and leaves what it was given free at once', async () => {
    const id = await addRow();
    let begun = 0;
    const asked = async () =>
      (await stores.database.query(`select 1 from pg_locks where relation = 'connection_state'::regclass and not granted`)).length > 0;
    const ended = await stores.database.transaction(async (sql) => {
      await sql.query('lock table connection_state in access exclusive mode');
      const worker = startWorker(() => {
        begun += 1;
        return Promise.resolve();
      });
      await eventually('it has asked', asked);
      return { whole: worker.stop() };
    });
    await ended.whole;
    expect(begun).toBe(0);
    expect(await rowOf(id)).toMatchObject({ epoch: '1', claimed_until: null, due_at: new Date(NOW) });
  });

  it('finds nothing left with the signal that stops it of all the work it did', async () => {
    let done = 0;
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done += 1;
    });
    const work = async (count: number): Promise<number> => {
      const wanted = done + count;
      await Promise.all(Array.from({ length: count }, () => addRow()));
      await hint();
      await eventually('all is done', () => done === wanted);
      return keptBy(worker.stopping);
    };
    const before = await work(1);
    expect(await work(60)).toBe(before);
    await worker.stop();
  });

  it('while it waits, ends', async () => {
    const worker = startWorker(() => Promise.resolve());
    await worker.stop();
    const rows = await stores.database.query('select 1 from connection_state where epoch > 0');
    expect(rows).toEqual([]);
  });
});

describe('Due work of a server', () => {
  it.each([
    ['that accounts name', 'caldav', '//slow.example'],
    ['of a provider', 'apple', 'apple'],
  ])('%s takes as many places as a server may, and the work of others is done meanwhile', async (_, provider, group) => {
    const slow = new Set(await Promise.all(Array.from({ length: 12 }, () => addRow(NOW - 1_000, provider))));
    const quick = await Promise.all(Array.from({ length: 30 }, () => addRow()));
    const { opened, open } = gate();
    const [done, begun]: [Set<string>, Set<string>] = [new Set(), new Set()];
    let [atOnce, most] = [0, 0];
    const task: DueTask<Row> = async (row, lease) => {
      const { connection_id: id } = row;
      begun.add(id);
      if (slow.has(id)) {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await opened;
        atOnce -= 1;
      }
      await finish(row, lease);
      done.add(id);
    };
    const groupOf = ({ connection_id: id }: Row) => Promise.resolve(slow.has(id) ? group : null);
    const worker = startWorker(task, 4, { member: 'connection_id', named: 'provider', width: 3, exempt: 'false', groupOf });
    await eventually('the others are done', () => quick.every((id) => done.has(id)));
    expect([begun.size - quick.length, most]).toEqual([3, 3]);
    open();
    await eventually('the slow ones are done', () => done.size === slow.size + quick.length);
    await worker.stop();
    expect(most).toBe(3);
    for (const id of slow) expect(await rowOf(id)).toMatchObject({ failures: 1, claimed_until: null });
  });

  it('that hang takes half of the places once that shows, and the work of others is done in the rest', async () => {
    const hanging = await Promise.all(Array.from({ length: 6 }, () => addRow(NOW - 1_000)));
    const quick = await Promise.all(Array.from({ length: 6 }, () => addRow()));
    const { opened, open } = gate();
    const [done, begun]: [Set<string>, string[]] = [new Set(), []];
    const task: DueTask<Row> = async (row, lease) => {
      const { connection_id: id } = row;
      begun.push(id);
      if (hanging.includes(id)) await opened;
      await finish(row, lease);
      done.add(id);
    };
    const groupOf = ({ connection_id: id }: Row) => Promise.resolve(hanging.includes(id) ? `//${hanging.indexOf(id) % 2}` : null);
    const worker = startWorker(task, 4, { member: 'connection_id', named: 'provider', width: 2, exempt: 'false', groupOf });
    await eventually('all places are taken', () => begun.length === 4);
    const [first = ''] = begun;
    for (const passed of [6_000, 12_000]) {
      expect(done.size).toBe(0);
      now = NOW + passed;
      await eventually('the claims are renewed', async () => (await rowOf(first)).claimed_until?.getTime() === now + 8_000);
    }
    await eventually('the others are done', () => quick.every((id) => done.has(id)));
    expect(done.size).toBe(quick.length);
    open();
    await eventually('all is done', () => done.size === hanging.length + quick.length);
    await worker.stop();
    expect(begun).toHaveLength(done.size);
  });

  it('that turn out to be quick take back what was lent for them, and no claim fails of it', async () => {
    const failures: string[] = [];
    const log = { ...stores.log, error: (message: string) => void failures.push(message) };
    const gates = new Map<string, ReturnType<typeof gate>>();
    const groups = new Map<string, string | null>();
    const begun: string[] = [];
    const task: DueTask<Row> = async (row, lease) => {
      begun.push(row.connection_id);
      await gates.get(row.connection_id)?.opened;
      await finish(row, lease);
    };
    const groupOf = ({ connection_id: id }: Row) => Promise.resolve(groups.get(id) ?? null);
    startWorker(task, 4, { member: 'connection_id', named: 'provider', width: 2, exempt: 'false', groupOf }, log);
    const add = async (group: string | null): Promise<string> => {
      const id = await addRow(NOW - 60_000);
      groups.set(id, group);
      gates.set(id, gate());
      await hint();
      return id;
    };
    const adding = async (...wanted: readonly (string | null)[]): Promise<readonly string[]> => {
      const ids: string[] = [];
      for (const group of wanted) ids.push(await add(group));
      await eventually('all have begun', () => ids.every((id) => begun.includes(id)));
      return ids;
    };
    const ending = async (id = ''): Promise<void> => {
      gates.get(id)?.open();
      await eventually('it is done', async () => (await rowOf(id)).failures === 1);
    };
    // While it passes, claims must be renewed.
    const passing = async (id: string | undefined): Promise<void> => {
      now += 6_000;
      await eventually('the claims are renewed', async () => (await rowOf(id ?? '')).claimed_until?.getTime() === now + 8_000);
    };

    const [slow] = await adding('//one');
    await passing(slow);
    await passing(slow);
    await ending(slow);
    const hanging = await adding('//other', '//other');
    await passing(hanging[0]);
    const [quick] = await adding('//one', '//one');
    await passing(hanging[0]);
    await adding(null, null);
    await ending(quick);
    const next = await add(null);
    for (const id of hanging) await ending(id);
    await eventually('the next has begun', () => begun.includes(next));
    expect(failures).toEqual([]);
  });
});
