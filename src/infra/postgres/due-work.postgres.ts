import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../../kernel/clock.js';
import { type Queue, Superseded } from '../../kernel/due-work.js';
import { EngineAway } from '../../kernel/engine-away.js';
import { afterFailure, type Trouble } from '../../kernel/failure-policy.js';
import { type Log } from '../../kernel/log.js';
import { type Crowding, crowding } from './crowding.js';
import { type Postgres } from './database.postgres.js';
import {
  bringBack,
  claim,
  type Ending,
  type Held,
  isTold,
  release,
  type Room,
  type RowsRuntime,
  settle,
  survey,
  troubleOf,
} from './due-rows.postgres.js';
import { attention } from './due-work.attention.js';
import { leaseOf } from './due-work.lease.js';
import { type Presence } from './presence.postgres.js';
import { type Shares, shares } from './shares.js';
import { type Solitude, solitude, type Turn } from './solitude.js';

/** `solitude`: shared by all queues of a thread; a queue without one has its own. */
export type DueRuntime = RowsRuntime & Readonly<{ database: Postgres; log: Log; solitude?: Solitude }>;

type Run = Readonly<{ id: unknown; ended: Promise<void> }>;

/** `leases`: what ends each lease that is held. They are told to stop one by one, since `AbortSignal.any` leaves something of each with a signal that lives on. */
type Worker<Row> = Readonly<{
  runtime: DueRuntime;
  queue: Queue<Row>;
  presence: Presence;
  crowding: Crowding;
  shares: Shares;
  solitude: Solitude;
  leases: Set<AbortController>;
  /** How often in a row an engine was away while a row was worked at, by key. */
  aways: Map<unknown, number>;
  running: Set<Run>;
  stopping: AbortSignal;
}>;

const IDLE = 2 * SECOND;

/** How soon it is looked again whether a suspect may begin, or whether others may. */
const BLOCKED = SECOND / 4;

/** An engine is usually back within seconds. A row that always ends so may have made the engine go away, so its pauses grow. */
const awayPause = (times: number): number => Math.min(SECOND * 2 ** Math.max(0, times - 5), 5 * MINUTE);

/** Does a row's work in a place of its person and of its group; false when there is none. The row stays due: now it is known whom it waits for. */
const inItsPlace = async <Row>(
  { crowding: crowd, shares: share, runtime: { clock }, queue: { crowds, person, isLasting } }: Worker<Row>,
  row: Row & Held,
  work: () => Promise<boolean>,
): Promise<boolean> => {
  const owner = person === undefined || isLasting?.(row) === true ? null : String(row[person]);
  if (owner !== null && !share.enter(owner)) return false;
  try {
    const group = (await crowds?.groupOf(row)) ?? null;
    if (crowds === undefined || group === null) return await work();
    const member = row[crowds.named] === group ? null : String(row[crowds.member]);
    const place = crowd.enter(member, group, clock.now());
    if (place === null) return false;
    try {
      return await work();
    } finally {
      crowd.leave(place, clock.now());
    }
  } finally {
    if (owner !== null) share.leave(owner);
  }
};

const NO_TROUBLE: Trouble = { unforeseen: 0, crashes: 0, setAside: null };

/** What becomes of a row whose work threw. */
const endingOf = <Row>({ runtime, queue, aways }: Worker<Row>, row: Row & Held, error: unknown): Ending => {
  const id = row[queue.key];
  if (error instanceof EngineAway) {
    const times = (aways.get(id) ?? 0) + 1;
    aways.set(id, times);
    runtime.log.error('due work met an engine that is away and is tried again', error, { queue: queue.table });
    return { trouble: troubleOf(row), pause: awayPause(times), hasFailed: false };
  }
  const ending = afterFailure(troubleOf(row), queue.isLasting?.(row) ?? false, runtime.entropy.fraction());
  if (!(error instanceof Superseded)) {
    const { unforeseen, setAside } = ending.trouble;
    runtime.log.error('due work failed and is tried again', error, { queue: queue.table, times: unforeseen, setAside: setAside ?? 'no' });
  }
  return { ...ending, hasFailed: true };
};

/** Frees the row; while the database is away again and again, because a row that stays held looks as if its worker had died. */
const letGo = async <Row>({ runtime, queue, stopping }: Worker<Row>, id: unknown, epoch: bigint, ending: Ending): Promise<void> => {
  for (;;)
    try {
      await release(runtime, queue, id, epoch, ending);
      return;
    } catch (error) {
      if (!(error instanceof EngineAway) || stopping.aborted) return;
      await sleep(SECOND, undefined, { signal: stopping }).catch(() => undefined);
    }
};

/** A row may be given to a worker that was told to stop while it asked: it is freed as it is, for a signal that has gone off is not heard. */
const runOne = async <Row>(worker: Worker<Row>, row: Row & Held): Promise<void> => {
  const { runtime, queue, stopping, aways } = worker;
  const [id, epoch] = [row[queue.key], BigInt(row.epoch)];
  const lease = leaseOf(worker, id, epoch);
  let ending: Ending = { trouble: troubleOf(row), pause: 0, hasFailed: false };
  try {
    const isDone = await inItsPlace(worker, row, async () => {
      if (stopping.aborted) return false;
      await queue.task(row, lease);
      return true;
    });
    if (isDone) {
      ending = { trouble: NO_TROUBLE, pause: 0, hasFailed: false };
      aways.delete(id);
    }
  } catch (error) {
    if (!stopping.aborted) ending = endingOf(worker, row, error);
  } finally {
    await lease.end();
    await letGo(worker, id, epoch, ending);
  }
  if (ending.hasFailed && isTold(ending.trouble))
    await queue.onTrouble?.(id, ending.trouble).catch((error: unknown) => {
      runtime.log.error('that due work is in trouble could not be told', error, { queue: queue.table });
    });
};

const start = <Row>(worker: Worker<Row>, rows: readonly (Row & Held)[], hint: () => void): void => {
  const { runtime, queue, running } = worker;
  for (const row of rows) {
    const turn: Turn = worker.solitude.begin(runtime.clock.now(), row.crashes);
    const run: Run = {
      id: row[queue.key],
      ended: runOne(worker, row).finally(() => {
        worker.solitude.end(turn);
        running.delete(run);
        hint();
      }),
    };
    running.add(run);
  }
};

/** Looks once for work and starts it: counts the dead, then a suspect, then the others. Answers how long to rest until the next look. */
const look = async <Row>(worker: Worker<Row>, hint: () => void): Promise<number> => {
  const { runtime, queue, running } = worker;
  const number = worker.presence.number();
  const idle = queue.idle ?? IDLE;
  if (number === null) return idle;
  const now = runtime.clock.now();
  const room: Room = { ...worker.crowding.crowded(now), people: worker.shares.full() };
  const mine = [...running].map(({ id }) => String(id));
  const { dead, suspects, isAnyDue } = await survey(runtime, queue, room, mine);
  for (const row of dead) await settle(runtime, queue, row);
  if (dead.length > 0) return 0;
  const free = Math.max(0, queue.concurrency - running.size + worker.crowding.lent(now));
  if (free === 0) return idle;
  const [suspect] = suspects;
  if (suspect !== undefined && worker.solitude.isQuietFor(suspect.crashes, now)) {
    start(worker, await claim(runtime, queue, room, { limit: 1, number, suspect: String(suspect[queue.key]), mine }), hint);
    return BLOCKED;
  }
  if (!isAnyDue) return idle;
  if (!worker.solitude.isOpen(now)) return BLOCKED;
  const rows = await claim(runtime, queue, room, { limit: free, number, suspect: null, mine });
  start(worker, rows, hint);
  return rows.length === 0 || rows.length === free ? idle : 0;
};

const employ = <Row>(runtime: DueRuntime, queue: Queue<Row>, hint: () => void, stopping: AbortSignal): Worker<Row> => ({
  runtime,
  queue,
  presence: runtime.database.presence(hint),
  crowding: crowding(queue.crowds?.widthOf ?? (() => Infinity), queue.concurrency),
  shares: shares(Math.max(1, Math.floor(queue.concurrency / 2))),
  solitude: runtime.solitude ?? solitude(),
  leases: new Set(),
  aways: new Map(),
  running: new Set(),
  stopping,
});

/**
 * Works off a queue until aborted: claims what is due (`for update skip locked`, so any number of processes may), renews its leases, and looks
 * again on a hint, when a task ends, and every two seconds. A claim is free when its worker has died, or has not renewed it for eight seconds.
 * More than `concurrency` rows are worked at only while groups of them turn out to be slow. Work that throws is tried again after pauses that
 * grow (`failure-policy`); rows whose worker died are suspects, which run alone (`solitude`).
 */
export const workOff = async <Row>(runtime: DueRuntime, queue: Queue<Row>, signal: AbortSignal): Promise<void> => {
  const { hint, look: forget, rest } = attention();
  const unlisten = runtime.database.listen(queue.table, hint);
  const stop = new AbortController();
  const worker = employ(runtime, queue, hint, stop.signal);
  const end = (): void => {
    if (!stop.signal.aborted) stop.abort(signal.reason);
    for (const lease of worker.leases) lease.abort(signal.reason);
    hint();
  };
  const failed = (what: string) => (error: unknown) => {
    runtime.log.error(what, error, { queue: queue.table });
    return IDLE;
  };
  signal.addEventListener('abort', end);
  try {
    await bringBack(runtime, queue).catch(failed('what failed before could not be brought back'));
    while (!signal.aborted) {
      forget();
      const pause = await look(worker, hint).catch(failed('due work could not be claimed'));
      if (pause > 0) await rest(pause);
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await Promise.all([...worker.running].map(({ ended }) => ended));
    await Promise.all([unlisten(), worker.presence.leave()]);
  }
};
