import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { workOff } from '../../src/infra/postgres/due-work.postgres.js';
import { PRESENCE } from '../../src/infra/postgres/presence.postgres.js';
import { type Solitude, solitude } from '../../src/infra/postgres/solitude.js';
import { type Clock } from '../../src/kernel/clock.js';
import { type Crowds, type DueTask, type Lease, type Queue, Superseded } from '../../src/kernel/due-work.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { type Trouble } from '../../src/kernel/failure-policy.js';
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
type Seen = Readonly<{
  due_at: Date;
  epoch: string;
  claimed_until: Date | null;
  failures: number;
  unforeseen: number;
  crashes: number;
  set_aside: string | null;
}>;
const rowOf = async (id: string) => {
  const [row] = await stores.database.query<Seen>(
    'select due_at, epoch, claimed_until, failures, unforeseen, crashes, set_aside from connection_state where connection_id = $1',
    [id],
  );
  if (row === undefined) throw new Error('the row is gone');
  return row;
};

/** Longer than any test takes, by the database's clock, as all leases. */
const SOON = `clock_timestamp() + interval '1 hour'`;

/** Waits until a claim has been renewed. */
const renewed = async (id: string): Promise<void> => {
  const until = async (): Promise<number> => (await rowOf(id)).claimed_until?.getTime() ?? 0;
  const before = await until();
  await eventually('the claim is renewed', async () => (await until()) > before);
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

type Settings = Partial<Queue<Row>> &
  Readonly<{ log?: typeof stores.log; version?: string; solitude?: Solitude; of?: Clock; over?: Partial<Stores['database']> }>;

const startWorkerWith = (task: DueTask<Row>, { log = stores.log, version = 'one', solitude, of = clock, over, ...queue }: Settings) => {
  const aborting = new AbortController();
  const ended = workOff<Row>(
    {
      database: { ...stores.database, ...over },
      clock: of,
      log,
      version,
      entropy: { fraction: () => 0.5 },
      ...(solitude === undefined ? {} : { solitude }),
    },
    { table: 'connection_state', key: 'connection_id', order: 'due_at', concurrency: 4, task, ...queue },
    aborting.signal,
  );
  const stop = async (): Promise<void> => {
    aborting.abort();
    await ended;
  };
  atEnd(stop);
  return { stop, stopping: aborting.signal };
};
const startWorker = (task: DueTask<Row>, concurrency = 4, crowds?: Crowds<Row>, log = stores.log) =>
  startWorkerWith(task, { concurrency, log, ...(crowds === undefined ? {} : { crowds }) });

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

  it('is not begun a second time by the worker that is at it, when that could not renew its lease in time', async () => {
    const id = await addRow();
    const begun: string[] = [];
    const waiting = gate();
    startWorker(async (row, lease) => {
      begun.push(row.connection_id);
      if (row.connection_id === id) await waiting.opened;
      await finish(row, lease);
    });
    await eventually('it has begun', () => begun.includes(id));
    const other = await addRow();
    await stores.database.query(
      `update connection_state set claimed_until = clock_timestamp() - interval '1 second' where connection_id = $1`,
      [id],
    );
    await hint();
    await eventually('the worker has looked again', () => begun.includes(other));
    expect(begun).toEqual([id, other]);
    waiting.open();
    await eventually('it is done', async () => (await rowOf(id)).failures === 1);
  });

  it('that is not due yet, or that somebody holds, is left alone', async () => {
    const [later, held, due] = [await addRow(NOW + 1), await addRow(), await addRow()];
    await stores.database.query(`update connection_state set claimed_until = ${SOON} where connection_id = $1`, [held]);
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
      `update connection_state set epoch = 1, claimed_until = ${SOON}, claimed_by = 1000000 where connection_id = $1`,
      [id],
    );
    const done: string[] = [];
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done.push(row.connection_id);
    });
    await eventually('what no worker holds is done', () => done.length > 0);
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
    await stores.database.query(`update connection_state set epoch = 1, claimed_until = ${SOON} where connection_id = $1`, [id]);
    const done: [string, bigint][] = [];
    const worker = startWorker(async (row, lease) => {
      await finish(row, lease);
      done.push([row.connection_id, lease.epoch]);
    });
    const other = await addRow();
    await hint();
    await eventually('it has looked', () => done.length > 0);
    expect(done).toEqual([[other, 1n]]);
    await stores.database.query('update connection_state set claimed_until = clock_timestamp() where connection_id = $1', [id]);
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
    const until = new Date(Date.now() + 600_000);
    await stores.database.query('update connection_state set epoch = epoch + 1, claimed_until = $2, due_at = $3 where connection_id = $1', [
      id,
      until,
      at(NOW + 5),
    ]);
    thawed.open();
    await eventually('it has given up', () => found.length === 3);
    await worker.stop();
    expect(found).toEqual([expect.any(Superseded), false, expect.any(Superseded)]);
    expect(await rowOf(id)).toMatchObject({ epoch: '2', failures: 0, due_at: new Date(NOW + 5), claimed_until: until });
  });

  it('is permitted for as long as the claim holds, which is renewed while the work lasts', async () => {
    const id = await addRow();
    const permitted: boolean[] = [];
    const worker = startWorker(async (row, lease) => {
      await renewed(id);
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
    const worker = startWorkerWith(task, { idle: 86_400_000 });
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

const DAY = 86_400_000;

/** Waits until it has failed so many times, each time as soon as it may be tried again. */
const failingTimes = async (id: string, times: number): Promise<void> => {
  for (let time = (await rowOf(id)).unforeseen + 1; time <= times; time += 1) {
    now = Math.max(now, (await rowOf(id)).due_at.getTime());
    await hint();
    await eventually(`it has failed ${time} times`, async () => {
      const row = await rowOf(id);
      return row.unforeseen >= time && row.claimed_until === null;
    });
  }
};
const refuse: DueTask<Row> = () => Promise.reject(new Error('an unforeseen failure'));

describe('Work that fails again and again for an unforeseen reason', () => {
  it('is tried after longer and longer pauses, then set aside for a day, told, and good again when it succeeds', async () => {
    const id = await addRow();
    let mended = false;
    const told: Trouble[] = [];
    const worker = startWorkerWith((row, lease) => (mended ? finish(row, lease).then(() => undefined) : refuse(row, lease)), {
      onTrouble: (_, trouble) => {
        told.push(trouble);
        return Promise.resolve();
      },
    });
    await failingTimes(id, 5);
    expect(await rowOf(id)).toMatchObject({ unforeseen: 5, set_aside: null, due_at: new Date(now + 6_480_000) });
    await failingTimes(id, 6);
    expect(await rowOf(id)).toMatchObject({ unforeseen: 6, set_aside: 'failed', due_at: new Date(now + DAY) });
    await eventually('it is told', () => told.length === 4);
    expect(told.map(({ unforeseen, setAside }) => [unforeseen, setAside])).toEqual([
      [3, null],
      [4, null],
      [5, null],
      [6, 'failed'],
    ]);
    mended = true;
    now += DAY;
    await hint();
    await eventually('it is done', async () => (await rowOf(id)).failures === 1);
    await worker.stop();
    expect(await rowOf(id)).toMatchObject({ unforeseen: 0, set_aside: null });
  });

  it('is tried at once when its owner asks', async () => {
    const id = await addRow();
    const worker = startWorkerWith(refuse, {});
    await failingTimes(id, 6);
    await wake(id);
    await eventually('it is tried', async () => (await rowOf(id)).unforeseen === 7);
    await worker.stop();
  });

  it('is tried at once by another version of the program, and by no other process of the same', async () => {
    const id = await addRow();
    const old = startWorkerWith(refuse, {});
    await failingTimes(id, 6);
    await old.stop();
    let tried = 0;
    const finishing: DueTask<Row> = async (row, lease) => {
      tried += 1;
      await finish(row, lease);
    };
    const same = startWorkerWith(finishing, {});
    const other = await addRow(now);
    await eventually('other work is done', async () => (await rowOf(other)).failures === 1);
    await same.stop();
    expect(tried).toBe(1);
    const next = startWorkerWith(finishing, { version: 'two' });
    await eventually('it is done', async () => (await rowOf(id)).failures === 1);
    await next.stop();
    expect(await rowOf(id)).toMatchObject({ set_aside: null });
  });

  it('is never set aside when it may not be left undone', async () => {
    const id = await addRow();
    const worker = startWorkerWith(refuse, { isLasting: () => true });
    await failingTimes(id, 8);
    await worker.stop();
    const { set_aside, due_at } = await rowOf(id);
    expect(set_aside).toBeNull();
    expect(due_at.getTime() - now).toBe(6 * 3_600_000);
  });

  it('because an engine is away counts for nothing', async () => {
    const id = await addRow();
    let runs = 0;
    const worker = startWorkerWith(() => {
      runs += 1;
      return Promise.reject(new EngineAway('event store', null));
    }, {});
    for (let time = 1; time <= 8; time += 1) {
      await eventually('it has been tried', async () => runs === time && (await rowOf(id)).claimed_until === null);
      now = (await rowOf(id)).due_at.getTime();
      await hint();
    }
    await worker.stop();
    expect(await rowOf(id)).toMatchObject({ unforeseen: 0, set_aside: null });
  });
});

describe('A row that was held when its process died', () => {
  /** Rows as a killed process leaves them: claimed under a number that is gone. */
  const leftBehind = async (id: string): Promise<void> => {
    await stores.database.query(
      `update connection_state set epoch = epoch + 1, claimed_until = ${SOON}, claimed_by = 1000001 where connection_id = $1`,
      [id],
    );
  };
  const pastDue = async (id: string): Promise<void> => {
    now = Math.max(now, (await rowOf(id)).due_at.getTime());
    await hint();
  };

  it('runs alone, before all others, and is no suspect any more when it has passed', async () => {
    const suspects = [await addRow(), await addRow(), await addRow()];
    const others = [await addRow(NOW - 60_000), await addRow(NOW - 60_000)];
    for (const id of suspects) await leftBehind(id);
    const [order, beside]: [string[], number[]] = [[], []];
    let atOnce = 0;
    const worker = startWorker(async (row, lease) => {
      atOnce += 1;
      if (suspects.includes(row.connection_id)) beside.push(atOnce);
      order.push(row.connection_id);
      await sleep(20);
      await finish(row, lease);
      atOnce -= 1;
    });
    await eventually('all is done', () => order.length === 5 && atOnce === 0);
    await worker.stop();
    expect(order.slice(0, 3).toSorted()).toEqual(suspects.toSorted());
    expect(order.slice(3).toSorted()).toEqual(others.toSorted());
    expect(beside).toEqual([1, 1, 1]);
    for (const id of suspects) expect(await rowOf(id)).toMatchObject({ crashes: 0, failures: 1 });
  });

  it('runs beside no row of another queue of its thread either', async () => {
    const [suspect, other] = [await addRow(), await addRow()];
    await leftBehind(suspect);
    await stores.database.query('truncate clean_up');
    await stores.database.query(`insert into clean_up (name, due_at) values ('a', $1)`, [at(NOW + DAY)]);
    const [passed, begun] = [gate(), gate()];
    const both = solitude();
    const worker = startWorkerWith(
      async (row, lease) => {
        begun.open();
        await passed.opened;
        await finish(row, lease);
      },
      { solitude: both },
    );
    await begun.opened;
    let [cleaned, looks] = [0, 0];
    const stopping = new AbortController();
    const watched = { ...both, isOpen: (when: number) => ((looks += 1), both.isOpen(when)) };
    const cleaning = workOff<Readonly<{ name: string }>>(
      { database: stores.database, clock, log: stores.log, version: 'one', entropy: { fraction: () => 0.5 }, solitude: watched },
      {
        table: 'clean_up',
        key: 'name',
        order: 'due_at',
        concurrency: 1,
        task: async () => {
          cleaned += 1;
          await stores.database.query(`update clean_up set due_at = 'infinity'`);
        },
      },
      stopping.signal,
    );
    atEnd(() => {
      stopping.abort();
      return cleaning;
    });
    await stores.database.query('update clean_up set due_at = $1', [at(NOW)]);
    await eventually('the other queue has looked', () => looks > 2);
    expect(cleaned).toBe(0);
    expect((await rowOf(other)).failures).toBe(0);
    passed.open();
    await eventually('everything is done', async () => cleaned === 1 && (await rowOf(other)).failures === 1);
    await worker.stop();
  });

  it('is set aside when three more processes died while it ran alone, and is told; its owner brings it back', async () => {
    const id = await addRow();
    const told: Trouble[] = [];
    const begun: number[] = [];
    const start = () =>
      startWorkerWith(
        async (row, { signal }) => {
          begun.push(row.connection_id === id ? 1 : 0);
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
          throw new Error('it was stopped');
        },
        {
          onTrouble: (_, trouble) => {
            told.push(trouble);
            return Promise.resolve();
          },
        },
      );
    for (let crash = 1; crash <= 4; crash += 1) {
      // Its process dies, and what it held is not released.
      await leftBehind(id);
      const worker = start();
      await eventually('it is counted', async () => (await rowOf(id)).crashes === crash);
      await worker.stop();
      await pastDue(id);
    }
    expect(await rowOf(id)).toMatchObject({ crashes: 4, set_aside: 'crashed' });
    expect(told).toEqual([{ unforeseen: 0, crashes: 4, setAside: 'crashed' }]);
    const before = begun.length;
    const worker = startWorker(async (row, lease) => {
      begun.push(1);
      await finish(row, lease);
    });
    await wake(id);
    await eventually('it has passed', async () => (await rowOf(id)).failures === 1);
    await worker.stop();
    expect(begun.length).toBe(before + 1);
    expect(await rowOf(id)).toMatchObject({ crashes: 0, set_aside: null });
  });

  it('is counted once, however many processes find it', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => addRow()));
    for (const id of ids) await leftBehind(id);
    const counts: number[] = [];
    const workers = [1, 2, 3].map(() =>
      startWorker(async (row, lease) => {
        counts.push((await rowOf(row.connection_id)).crashes);
        await finish(row, lease);
      }),
    );
    await eventually('all is done', () => counts.length === ids.length);
    await Promise.all(workers.map(({ stop }) => stop()));
    expect(new Set(counts)).toEqual(new Set([1]));
    for (const id of ids) expect(await rowOf(id)).toMatchObject({ crashes: 0, failures: 1 });
  });

  it('is no suspect when its process was told to stop, or was only frozen', async () => {
    const id = await addRow();
    const started = gate();
    const worker = startWorker(async (_, { signal }) => {
      started.open();
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
    });
    await started.opened;
    await worker.stop();
    expect(await rowOf(id)).toMatchObject({ crashes: 0, claimed_until: null });
  });
});

describe('The clock of a process that goes ahead of all others', () => {
  it('frees no claim of another: leases are dated by the database', async () => {
    const id = await addRow();
    const [started, finished] = [gate(), gate()];
    const first = startWorkerWith(
      async (row, lease) => {
        started.open();
        await finished.opened;
        await finish(row, lease);
      },
      { of: { now: () => NOW } },
    );
    await started.opened;
    now = NOW + 3_600_000;
    const seen: string[] = [];
    const second = startWorker(async (row, lease) => {
      seen.push(row.connection_id);
      await finish(row, lease);
    });
    const later = await addRow(now);
    await hint();
    await eventually('the other has worked', () => seen.length > 0);
    expect(seen).toEqual([later]);
    finished.open();
    await eventually('it is done', async () => (await rowOf(id)).failures === 1);
    await Promise.all([first.stop(), second.stop()]);
    expect(await rowOf(id)).toMatchObject({ epoch: '1' });
  });
});

describe('Due work of one person', () => {
  it('takes half of the places at most, for any servers, and the work of others is done meanwhile', async () => {
    const mine = await Promise.all(Array.from({ length: 30 }, () => addRow(NOW - 60_000)));
    const others = await Promise.all(Array.from({ length: 10 }, () => addRow()));
    await stores.database.query(`update connection_state set user_id = 'eve' where connection_id = any($1)`, [others]);
    const { opened, open } = gate();
    let [atOnce, most] = [0, 0];
    const done = new Set<string>();
    const worker = startWorkerWith(
      async (row, lease) => {
        const id = row.connection_id;
        if (mine.includes(id)) {
          atOnce += 1;
          most = Math.max(most, atOnce);
          await opened;
          atOnce -= 1;
        }
        await finish(row, lease);
        done.add(id);
      },
      { concurrency: 8, person: 'user_id' },
    );
    await eventually('the others are done', () => others.every((id) => done.has(id)));
    expect(atOnce).toBe(4);
    open();
    await eventually('all is done', () => done.size === mine.length + others.length);
    await worker.stop();
    expect(most).toBe(4);
    for (const id of mine) expect(await rowOf(id)).toMatchObject({ failures: 1, claimed_until: null });
  });
});

describe('Due work of one account', () => {
  it('is done by so many workers at once as an account may have, of all processes together, and the work of others is done meanwhile', async () => {
    const mine = await Promise.all(Array.from({ length: 20 }, () => addRow(NOW - 60_000)));
    const others = await Promise.all(Array.from({ length: 10 }, () => addRow(NOW, 'elsewhere')));
    const { opened, open } = gate();
    let [atOnce, most] = [0, 0];
    const done = new Set<string>();
    const task: DueTask<Row> = async (row, lease) => {
      const id = row.connection_id;
      if (mine.includes(id)) {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await opened;
        await sleep(2);
        atOnce -= 1;
      }
      await finish(row, lease);
      done.add(id);
    };
    const workers = [1, 2, 3].map(() => startWorkerWith(task, { account: { column: 'provider', most: 2 } }));
    await eventually('the others are done', () => others.every((id) => done.has(id)));
    expect(atOnce).toBe(2);
    open();
    await eventually('all is done', () => done.size === mine.length + others.length);
    await Promise.all(workers.map(({ stop }) => stop()));
    expect(most).toBe(2);
    for (const id of mine) expect(await rowOf(id)).toMatchObject({ failures: 1, epoch: '1', claimed_until: null });
  });

  it('is looked for without holding up the claims of others while none is due that could be begun', async () => {
    let [looks, claims] = [0, 0];
    const over: Partial<Stores['database']> = {
      query: (...of) => {
        looks += 1;
        return stores.database.query(...of);
      },
      alone: (...of) => {
        claims += 1;
        return stores.database.alone(...of);
      },
    };
    const begun: string[] = [];
    const account = { column: 'provider', most: 1 } as const;
    await addRow(NOW + 60_000, 'later');
    const [first, second] = [await addRow(NOW, 'full'), await addRow(NOW, 'full')];
    await stores.database.query(`update connection_state set claimed_until = ${SOON} where connection_id = $1`, [first]);
    startWorkerWith(
      async (row, lease) => {
        begun.push(row.connection_id);
        await finish(row, lease);
      },
      { account, over },
    );
    for (let times = 0; times < 5; times += 1) {
      const before = looks;
      await hint();
      await eventually('it looks again', () => looks > before);
    }
    expect([begun, claims]).toEqual([[], 0]);
    await stores.database.query(`update connection_state set claimed_until = null, due_at = $2 where connection_id = $1`, [
      first,
      at(NOW + 60_000),
    ]);
    await hint();
    await eventually('what could not be begun is done', () => begun.length > 0);
    expect(begun).toEqual([second]);
  });

  it('is begun in the order of the queue: what is asked for now comes before what has been due for long', async () => {
    const [overdue, asked] = [await addRow(NOW - 60_000), await addRow(NOW)];
    await stores.database.query(`update connection_state set task = 'revoke' where connection_id = $1`, [asked]);
    const begun: string[] = [];
    const worker = startWorkerWith(
      async (row, lease) => {
        begun.push(row.connection_id);
        await finish(row, lease);
      },
      { order: `task <> 'revoke', due_at`, account: { column: 'provider', most: 1 } },
    );
    await eventually('both are done', () => begun.length === 2);
    await worker.stop();
    expect(begun).toEqual([asked, overdue]);
  });

  it('is free again when the worker that had its places has died', async () => {
    const [first, second] = [await addRow(NOW - 2), await addRow(NOW - 1)];
    await stores.database.query(
      `update connection_state set claimed_until = clock_timestamp() - interval '1 second', claimed_by = null, epoch = 1 where connection_id = any($1)`,
      [[first, second]],
    );
    const worker = startWorkerWith(
      async (row, lease) => {
        await finish(row, lease);
      },
      { account: { column: 'provider', most: 1 } },
    );
    await eventually('both are done', async () => (await rowOf(second)).failures === 1 && (await rowOf(first)).failures === 1);
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
    let begun = 0;
    const asked = async () =>
      (await stores.database.query(`select 1 from pg_locks where relation = 'connection_state'::regclass and not granted`)).length > 0;
    const worker = startWorker(async (row, lease) => {
      begun += 1;
      await finish(row, lease);
    });
    await addRow();
    await hint();
    await eventually('it works', () => begun === 1);
    const id = await addRow(NOW + 1);
    const ended = await stores.database.transaction(async (sql) => {
      await sql.query('lock table connection_state in access exclusive mode');
      await sql.query('update connection_state set due_at = $2 where connection_id = $1', [id, at(NOW)]);
      await hint();
      await eventually('it has asked', asked);
      return { whole: worker.stop() };
    });
    await ended.whole;
    expect(begun).toBe(1);
    expect(await rowOf(id)).toMatchObject({ claimed_until: null, due_at: new Date(NOW), failures: 0 });
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
    const worker = startWorker(task, 4, { member: 'connection_id', named: 'provider', widthOf: () => 3, exempt: 'false', groupOf });
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
    const worker = startWorker(task, 4, { member: 'connection_id', named: 'provider', widthOf: () => 2, exempt: 'false', groupOf });
    await eventually('all places are taken', () => begun.length === 4);
    for (const passed of [6_000, 12_000]) {
      expect(done.size).toBe(0);
      now = NOW + passed;
      await hint();
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
    startWorker(task, 4, { member: 'connection_id', named: 'provider', widthOf: () => 2, exempt: 'false', groupOf }, log);
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
      await renewed(id ?? '');
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
