import { setTimeout as sleep } from 'node:timers/promises';
import { deliver, type DeliveryMeans } from '../../kernel/deliver.js';
import { type Delivered } from '../../kernel/broker.js';
import { type Fate, type Policy } from '../../kernel/delivery.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type Bell } from './hints.bell.js';
import { append, commit, committedOf, readFrom } from './messages.sql.js';
import { type Place } from './partitions.js';

/** What handles the messages of a topic. `failed` is told of each failure. */
export type Handling = Readonly<{
  policy: Policy;
  run: (message: Delivered) => Promise<void>;
  failed: (message: Delivered, fate: Fate) => void;
}>;

/** `session`: the connection that holds the lock of the partition. Offsets are committed on it: who has lost the lock cannot. */
export type Reading = Readonly<{
  database: Database;
  session: Sql;
  group: string;
  place: Place;
  handling: Handling;
  bell: Bell;
  signal: AbortSignal;
  /** Is called at each look for messages. */
  looked: () => void;
}>;

/** The member stops, or the partition is another's now. */
class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** Messages that are held in memory at most. */
const MOST = 50;

/** Milliseconds after which what was handled is committed: so much may be delivered again after a crash. */
const COMMIT_AFTER = 100;

/** Milliseconds after which a reader that got no hint looks again. */
const IDLE = 5_000;

const rest = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);

const meansFor = ({ database, handling, signal }: Reading, message: Delivered): DeliveryMeans => ({
  beat: () => (signal.aborted ? Promise.reject(new GivenUp()) : Promise.resolve()),
  pause: (milliseconds) => rest(milliseconds, signal),
  every: (milliseconds, act) => {
    const timer = setInterval(act, milliseconds);
    return () => {
      clearInterval(timer);
    };
  },
  move: (topic, marks) => {
    const { key, value, headers } = message;
    return database.transaction((sql) => append(sql, topic, [{ key, value, headers: { ...headers, ...marks } }]));
  },
  failed: (fate) => {
    handling.failed(message, fate);
  },
});

/** Has the messages of one partition handled, one after the other, until aborted; then what was handled is committed. Throws when the database is away. */
export const readPartition = async (reading: Reading): Promise<void> => {
  const { database, session, group, place, handling, bell, signal } = reading;
  const isOver = (): boolean => signal.aborted;
  let committed = await committedOf(session, group, place);
  let next = committed;
  const settle = async (): Promise<void> => {
    if (next === committed) return;
    await commit(session, group, place, next);
    committed = next;
  };
  try {
    for (let since = performance.now(); !isOver();) {
      bell.hush();
      reading.looked();
      const messages = await readFrom(database, place, next, MOST);
      for (const message of messages) {
        if (isOver()) return;
        await deliver(handling.policy, message, () => handling.run(message), meansFor(reading, message));
        next = message.offset + 1n;
        if (performance.now() - since < COMMIT_AFTER) continue;
        await settle();
        since = performance.now();
      }
      await settle();
      if (messages.length === 0) await bell.wait(IDLE, signal);
    }
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error;
  } finally {
    await settle();
  }
};
