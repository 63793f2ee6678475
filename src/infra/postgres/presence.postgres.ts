import { type Log } from '../../kernel/log.js';
import { standingSession } from './standing-session.postgres.js';

/** First key of the locks that say which workers live; the second is the worker's number. Permanent. */
export const PRESENCE = 491;

/** A worker's sign of life. */
export type Presence = Readonly<{
  /** Its number of the moment, another one for every connection; null while it has none. */
  number: () => number | null;
  leave: () => Promise<void>;
}>;

/**
 * Says that a worker lives: a session of its own holds an advisory lock named by a number of its own. The server releases the lock the
 * moment a killed process' socket closes, long before any lease ends; of a frozen one it does not. Calls back with each new number.
 */
export const bePresent = (url: string, onNumber: () => void, log: Log): Presence => {
  let number: number | null = null;
  const leave = standingSession(
    url,
    {
      prepare: async (client) => {
        const { rows } = await client.query<{ number: number }>(`select nextval('worker_number')::int as number`);
        const next = rows[0]?.number ?? 0;
        await client.query('select pg_advisory_lock($1, $2)', [PRESENCE, next]);
        number = next;
        onNumber();
      },
      onLoss: () => {
        number = null;
      },
    },
    log,
  );
  return { number: () => number, leave };
};
