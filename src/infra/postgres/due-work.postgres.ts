import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, instant, SECOND } from '../../kernel/clock.js';
import { type DueTask, type Lease, Superseded } from '../../kernel/due-work.js';
import { EngineAway } from '../../kernel/engine-away.js';
import { type Log } from '../../kernel/log.js';
import { type Crowding, crowding } from './crowding.js';
import { type Postgres } from './database.typeorm.js';
import { PRESENCE, type Presence } from './presence.postgres.js';

/**
 * Rows that are slow together, `width` of whose group are worked at by one process at the same time, whatever else of it is due. `member`: the
 * column by which it is remembered what group a row is in; `named`: the column that holds the group itself, for some rows. `exempt`: a
 * condition on rows that are not counted; `groupOf` answers null for them, and for any other row that stands for itself.
 */
export type Crowds<Row> = Readonly<{
  member: string;
  named: string;
  width: number;
  exempt: string;
  groupOf: (row: Row) => Promise<string | null>;
}>;

/** A table whose rows are work: `due_at`, `wake`, `epoch`, `claimed_until`, `claimed_by` and a key. Its name doubles as the channel of hints. */
type Queue<Row> = Readonly<{
  table: 'sync_state' | 'connection_state' | 'clean_up' | 'placement';
  key: string;
  order: string;
  concurrency: number;
  task: DueTask<Row>;
  crowds?: Crowds<Row>;
  /** Milliseconds after which a worker that got no hint looks again. */
  idle?: number;
}>;

type Runtime = Readonly<{ database: Postgres; clock: Clock; log: Log }>;
/** `leases`: what ends each lease that is held. They are told to stop one by one, since `AbortSignal.any` leaves something of each with a signal that lives on. */
type Worker = Runtime & Readonly<{ presence: Presence; crowding: Crowding; leases: Set<AbortController>; stopping: AbortSignal }>;

/** For workers that are frozen or out of reach; those that died are told by their locks. Writes are refused by epoch and revision, not by time. */
const LEASE = 8 * SECOND;
const RENEWAL = 2 * SECOND;
const IDLE = 2 * SECOND;
const PAUSE_AFTER_FAILURE = 5 * SECOND;
const PAUSE_WITHOUT_ENGINE = SECOND;

type Run = Readonly<{ id: unknown; ended: Promise<void> }>;
type Claimed = Readonly<Record<string, unknown>> & Readonly<{ epoch: string }>;

/** Numbers of the workers that live. As an array, it is looked up only when a row is met whose lease still runs. */
const LIVING = `array(select objid::bigint from pg_locks where locktype = 'advisory' and classid = ${PRESENCE} and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database()))`;

/** Rows of groups that have no place left are passed over. */
const roomFor = <Row>({ crowds }: Queue<Row>): string =>
  crowds === undefined ? '' : `and (${crowds.exempt} or (${crowds.member} <> all($6) and ${crowds.named} <> all($7)))`;

/** `mine`: rows this worker is at, whose claims a lost connection of its own may have left without a living number. */
const claim = <Row>(
  { database, clock, crowding }: Worker,
  queue: Queue<Row>,
  limit: number,
  number: number,
  mine: readonly unknown[],
): Promise<readonly (Row & Claimed)[]> => {
  const { table, key, order, crowds } = queue;
  const { groups, members } = crowding.crowded(clock.now());
  return database.query<Row & Claimed>(
    `update ${table} set epoch = epoch + 1, wake = false, claimed_until = $1::timestamptz + $2 * interval '1 millisecond', claimed_by = $4
     where ${key} in (
       select ${key} from ${table} where due_at <= $1
         and (claimed_until is null or claimed_until < $1 or (claimed_by <> all(${LIVING}) and ${key} <> all($5))) ${roomFor(queue)}
       order by ${order} limit $3 for update skip locked)
     returning *`,
    [instant(clock.now()), LEASE, limit, number, mine, ...(crowds === undefined ? [] : [members, groups])],
  );
};

/** A database that is away is asked again on the next look. */
const claimOrNone = async <Row>(
  worker: Worker,
  queue: Queue<Row>,
  limit: number,
  mine: readonly unknown[],
): Promise<readonly (Row & Claimed)[]> => {
  const number = worker.presence.number();
  if (number === null || limit === 0) return [];
  try {
    return await claim(worker, queue, limit, number, mine);
  } catch (error) {
    worker.log.error('due work could not be claimed', error, { queue: queue.table });
    return [];
  }
};

const leaseOf = <Row>(
  { database, clock, log, presence, leases, stopping }: Worker,
  queue: Queue<Row>,
  id: unknown,
  epoch: bigint,
): Lease & { end: () => Promise<void> } => {
  const ending = new AbortController();
  if (stopping.aborted) ending.abort(stopping.reason);
  leases.add(ending);
  const renew = async (): Promise<void> => {
    const rows = await database.query(
      `update ${queue.table} set claimed_until = $3::timestamptz + $4 * interval '1 millisecond', claimed_by = coalesce($5, claimed_by)
       where ${queue.key} = $1 and epoch = $2 returning 1`,
      [id, epoch, instant(clock.now()), LEASE, presence.number()],
    );
    if (rows.length === 0) ending.abort(new Superseded());
  };
  let renewal: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renew().catch((error: unknown) => {
      log.error('a lease could not be renewed', error, { queue: queue.table });
    });
  }, RENEWAL);
  return {
    epoch,
    signal: ending.signal,
    permit: async () => {
      const rows = await database.query(`select 1 from ${queue.table} where ${queue.key} = $1 and epoch = $2`, [id, epoch]);
      if (rows.length === 0) throw new Superseded();
    },
    end: () => {
      clearInterval(timer);
      leases.delete(ending);
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
  pause: number,
): Promise<void> => {
  const now = instant(clock.now());
  await database.query(
    `update ${table} set claimed_until = null, due_at = case when $4 > 0 then greatest(due_at, $3::timestamptz + $4 * interval '1 millisecond')
       when wake then $3 else due_at end
     where ${key} = $1 and epoch = $2`,
    [id, epoch, now, pause],
  );
};

/** Does a row's work in a place of its group. When there is none the row stays due: from now on it is known whom it would have to wait for. */
const inItsGroup = async <Row>(
  { crowding, clock }: Worker,
  { crowds }: Queue<Row>,
  row: Row & Claimed,
  work: () => Promise<void>,
): Promise<void> => {
  const group = (await crowds?.groupOf(row)) ?? null;
  if (crowds === undefined || group === null) return work();
  const member = row[crowds.named] === group ? null : String(row[crowds.member]);
  const place = crowding.enter(member, group, clock.now());
  if (place === null) return;
  try {
    await work();
  } finally {
    crowding.leave(place, clock.now());
  }
};

/** A row may be given to a worker that was told to stop while it asked: it is let go of as it is, for a signal that has gone off is not heard. */
const runOne = async <Row>(worker: Worker, queue: Queue<Row>, row: Row & Claimed): Promise<void> => {
  const { stopping } = worker;
  const [id, epoch] = [row[queue.key], BigInt(row.epoch)];
  const lease = leaseOf(worker, queue, id, epoch);
  let pause = 0;
  try {
    await inItsGroup(worker, queue, row, () => (stopping.aborted ? Promise.resolve() : queue.task(row, lease)));
  } catch (error) {
    if (!stopping.aborted) pause = error instanceof EngineAway ? PAUSE_WITHOUT_ENGINE : PAUSE_AFTER_FAILURE;
    if (!stopping.aborted && !(error instanceof Superseded))
      worker.log.error('due work failed and is tried again', error, { queue: queue.table });
  } finally {
    await lease.end();
    await release(worker, queue, id, epoch, pause).catch(() => undefined);
  }
};

/** Somebody who waits until there may be something to do: a hint, also one that came while nobody waited, or the time. */
const attention = () => {
  let hinted = false;
  let wake: () => void = () => undefined;
  return {
    hint: (): void => {
      hinted = true;
      wake();
    },
    /** Forgets the hints that came so far: what they were about is looked at now. */
    look: (): void => {
      hinted = false;
    },
    rest: async (milliseconds: number): Promise<void> => {
      const idle = new AbortController();
      const hint = new Promise<void>((resolve) => {
        wake = resolve;
        if (hinted) resolve();
      });
      await Promise.race([hint, sleep(milliseconds, undefined, { signal: idle.signal }).catch(() => undefined)]);
      idle.abort();
    },
  };
};

/**
 * Works off a queue until aborted: claims what is due (`for update skip locked`, so any number of processes may), renews its leases, and looks
 * again on a hint, when a task ends, and every two seconds. A claim is free when its worker has died, or has not renewed it for eight seconds.
 * More than `concurrency` rows are worked at only while groups of them turn out to be slow.
 */
export const workOff = async <Row>(runtime: Runtime, queue: Queue<Row>, signal: AbortSignal): Promise<void> => {
  const running = new Set<Run>();
  const { hint, look, rest } = attention();
  const presence = runtime.database.presence(hint);
  const unlisten = runtime.database.listen(queue.table, hint);
  const leases = new Set<AbortController>();
  const places = crowding(queue.crowds?.width ?? Infinity, queue.concurrency);
  const worker: Worker = { ...runtime, presence, crowding: places, leases, stopping: signal };
  signal.addEventListener('abort', () => {
    for (const lease of leases) lease.abort(signal.reason);
    hint();
  });
  while (!signal.aborted) {
    look();
    const free = Math.max(0, queue.concurrency - running.size + places.lent(runtime.clock.now()));
    const mine = [...running].map(({ id }) => id);
    const rows = await claimOrNone(worker, queue, free, mine);
    for (const row of rows) {
      const run: Run = {
        id: row[queue.key],
        ended: runOne(worker, queue, row).finally(() => {
          running.delete(run);
          hint();
        }),
      };
      running.add(run);
    }
    if (rows.length === 0 || rows.length === free) await rest(queue.idle ?? IDLE);
  }
  await Promise.all([...running].map(({ ended }) => ended));
  await Promise.all([unlisten(), presence.leave()]);
};
