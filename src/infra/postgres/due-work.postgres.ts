import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, instant, SECOND } from '../../kernel/clock.js';
import { type DueTask, type Lease, Superseded } from '../../kernel/due-work.js';
import { type Log } from '../../kernel/log.js';
import { type Database } from '../../kernel/sql.js';

/** A table whose rows are work: `due_at`, `wake`, `epoch`, `claimed_until` and a key. Its name doubles as the channel of wake-up hints. */
type Queue<Row> = Readonly<{
  table: 'sync_state' | 'connection_state';
  key: string;
  order: string;
  concurrency: number;
  task: DueTask<Row>;
}>;

type Runtime = Readonly<{ database: Database; clock: Clock; log: Log }>;

/** Short, because a killed worker's rows wait for it to end; a frozen worker's writes are refused by epoch and revision, not by time. */
const LEASE = 8 * SECOND;
const RENEWAL = 2 * SECOND;
const IDLE = 2 * SECOND;
const PAUSE_AFTER_FAILURE = 5 * SECOND;

type Claimed = Readonly<Record<string, unknown>> & Readonly<{ epoch: string }>;

const claim = <Row>({ database, clock }: Runtime, { table, key, order }: Queue<Row>, limit: number): Promise<readonly (Row & Claimed)[]> =>
  database.query<Row & Claimed>(
    `update ${table} set epoch = epoch + 1, wake = false, claimed_until = $1::timestamptz + $2 * interval '1 millisecond'
     where ${key} in (
       select ${key} from ${table} where due_at <= $1 and (claimed_until is null or claimed_until < $1)
       order by ${order} limit $3 for update skip locked)
     returning *`,
    [instant(clock.now()), LEASE, limit],
  );

/** A database that is away is asked again on the next look. */
const claimOrNone = async <Row>(runtime: Runtime, queue: Queue<Row>, limit: number): Promise<readonly (Row & Claimed)[]> => {
  try {
    return await claim(runtime, queue, limit);
  } catch (error) {
    runtime.log.error('due work could not be claimed', error, { queue: queue.table });
    return [];
  }
};

const leaseOf = <Row>(
  { database, clock, log }: Runtime,
  queue: Queue<Row>,
  id: unknown,
  epoch: bigint,
  stopping: AbortSignal,
): Lease & { end: () => Promise<void> } => {
  const lost = new AbortController();
  const renew = async (): Promise<void> => {
    const rows = await database.query(
      `update ${queue.table} set claimed_until = $3::timestamptz + $4 * interval '1 millisecond' where ${queue.key} = $1 and epoch = $2 returning 1`,
      [id, epoch, instant(clock.now()), LEASE],
    );
    if (rows.length === 0) lost.abort(new Superseded());
  };
  let renewal: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renew().catch((error: unknown) => {
      log.error('a lease could not be renewed', error, { queue: queue.table });
    });
  }, RENEWAL);
  return {
    epoch,
    signal: AbortSignal.any([lost.signal, stopping]),
    permit: async () => {
      const rows = await database.query(`select 1 from ${queue.table} where ${queue.key} = $1 and epoch = $2`, [id, epoch]);
      if (rows.length === 0) throw new Superseded();
    },
    end: () => {
      clearInterval(timer);
      // A renewal that overtook the release would hold the row for nobody.
      return renewal;
    },
  };
};

/** Lets go of a row after its work: due again at once when a hint came meanwhile, after a pause when the work failed. */
const release = async <Row>(
  { database, clock }: Runtime,
  { table, key }: Queue<Row>,
  id: unknown,
  epoch: bigint,
  failed: boolean,
): Promise<void> => {
  const now = instant(clock.now());
  await database.query(
    `update ${table} set claimed_until = null, due_at = case when $4 then greatest(due_at, $3::timestamptz + $5 * interval '1 millisecond')
       when wake then $3 else due_at end
     where ${key} = $1 and epoch = $2`,
    [id, epoch, now, failed, PAUSE_AFTER_FAILURE],
  );
};

const runOne = async <Row>(runtime: Runtime, queue: Queue<Row>, row: Row & Claimed, stopping: AbortSignal): Promise<void> => {
  const [id, epoch] = [row[queue.key], BigInt(row.epoch)];
  const lease = leaseOf(runtime, queue, id, epoch, stopping);
  let failed = false;
  try {
    await queue.task(row, lease);
  } catch (error) {
    failed = !stopping.aborted;
    if (failed && !(error instanceof Superseded)) runtime.log.error('due work failed and is tried again', error, { queue: queue.table });
  } finally {
    await lease.end();
    await release(runtime, queue, id, epoch, failed).catch(() => undefined);
  }
};

/**
 * Works off a queue until aborted: claims what is due (`for update skip locked`, so any number of processes may), renews its leases, and looks
 * again on a hint, when a task ends, and every two seconds. A claim whose process died is free after eight.
 */
export const workOff = async <Row>(runtime: Runtime, queue: Queue<Row>, signal: AbortSignal): Promise<void> => {
  const running = new Set<Promise<void>>();
  let hinted = false;
  let wake: () => void = () => undefined;
  const hint = (): void => {
    hinted = true;
    wake();
  };
  const unlisten = await runtime.database.listen(queue.table, hint);
  signal.addEventListener('abort', hint);
  while (!signal.aborted) {
    hinted = false;
    const free = queue.concurrency - running.size;
    const rows = free > 0 ? await claimOrNone(runtime, queue, free) : [];
    for (const row of rows) {
      const work: Promise<void> = runOne(runtime, queue, row, signal).finally(() => {
        running.delete(work);
        hint();
      });
      running.add(work);
    }
    if (rows.length === 0 || rows.length === free) {
      const idle = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
          if (hinted) resolve();
        }),
        sleep(IDLE, undefined, { signal: idle.signal }).catch(() => undefined),
      ]);
      idle.abort();
    }
  }
  await Promise.all(running);
  await unlisten();
};
