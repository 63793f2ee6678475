import { type Inbox } from '../../kernel/broker.js';
import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { DAY, HOUR } from '../../kernel/clock.js';
import { type Database } from '../../kernel/sql.js';

/** As long as topics keep their messages: what is older is not delivered again. */
const KEPT = 31 * DAY;

const HANDLED = `insert into inbox (consumer, message_id) values ($1, $2) on conflict do nothing returning 1`;

const OLD = `delete from inbox where ctid = any(array(select ctid from inbox where handled_at < $1 limit $2)) returning 1`;

/** The inbox in Postgres. Two deliveries of one message at once wait for each other: the second finds what became of the first. */
export const inboxIn = (database: Pick<Database, 'transaction'>): Inbox => ({
  once: (consumer, messageId, work) =>
    database.transaction(async (sql) => {
      const isNew = (await sql.query(HANDLED, [consumer, messageId])).length > 0;
      if (isNew) await work(sql);
      return isNew;
    }),
});

/** Messages that are no longer delivered. */
export const inboxCleanUp = (database: Database): CleanUp =>
  deletion(database, { name: 'handled-messages', every: HOUR, keepFrom: (now) => now - KEPT, statement: OLD, projection: null });
