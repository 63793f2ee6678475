import { instant } from '../../kernel/clock.js';
import { type EventStore, type Position } from '../../kernel/event-store.js';
import { type Sql } from '../../kernel/sql.js';
import { type Session } from './database.postgres.js';
import { isAnotherLog } from './log-name.postgres.js';

/** True when a projection has applied an event that lies behind the end of the log: what is appended there next would be taken for known. */
export const isLost = (applied: Position | null, head: Position | null): boolean => applied !== null && (head === null || head < applied);

/**
 * Answers, in sentences that say what to do, when the read models have applied events that the log does not have: it is another event store,
 * or an older copy was restored. Null when all is well. Throws `EngineAway` like any reading of the log.
 */
export const lostEvents = async (sql: Sql, store: Pick<EventStore, 'head' | 'load'>): Promise<string | null> => {
  const [row] = await sql.query<{ applied: string | null }>('select max(applied) as applied from checkpoint');
  const head = (await store.head())?.position ?? null;
  const applied = row === undefined || row.applied === null ? null : BigInt(row.applied);
  if (!isLost(applied, head) && !(await isAnotherLog(sql, store))) return null;
  return (
    'The read models have applied events that the log does not have: this is another event store, or an older copy of it. Set EVENTSTORE_URL to ' +
    'the right one. If an older log was restored on purpose, stop every process and run `npm run log:accept`: all read models are then built from it again.'
  );
};

/** What is known besides log, keys and read models: found out again by reading the calendars, or an answer about what the log may not know. */
const OPERATIONAL = ['sync_state', 'watch_state', 'connection_state', 'remote_object', 'sync_run', 'idempotency'];

/** Takes the locks of projections for as long as the session lives, so that none runs meanwhile and fills again what is emptied. Throws when one does. */
export const holdProjections = async (session: Session, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    const [lock] = await session.query<{ held: boolean }>(`select pg_try_advisory_lock(hashtext('projection'), hashtext($1)) as held`, [
      name,
    ]);
    if (lock?.held !== true) throw new Error('the service runs: stop all of its processes first');
  }
};

/** Behind the end of any log. */
const BEYOND = 2n ** 63n - 1n;

/**
 * Empties everything that was derived from the log, so that projections begin at its first event, once `repair` has been done; until then no
 * log is accepted, so that a death in the middle is noticed. `tables`: those projections write; `now`: change cursors told before are good no
 * longer (milliseconds since the epoch).
 */
export const beginAnew = async <T>(session: Session, tables: readonly string[], now: number, repair: () => Promise<T>): Promise<T> => {
  await session.transaction(async (sql) => {
    await sql.query(`truncate ${[...tables, ...OPERATIONAL].join(', ')}`);
    await sql.query('delete from known_log');
    await sql.query('update checkpoint set position = null, applied = $1, begun_at = $2', [BEYOND, instant(now)]);
  });
  const repaired = await repair();
  await session.query('update checkpoint set applied = null');
  return repaired;
};
