import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { DAY, HOUR } from '../../kernel/clock.js';
import { type Database } from '../../kernel/sql.js';

const removed = (condition: string): string => `
  delete from broker_message where ctid = any(array(
    select ctid from broker_message as message where published_at < $1 and ${condition} limit $2)) returning 1`;

/** Every group that reads the topic has read it. */
const READ = removed(`(
  select min(committed) from broker_offset as read where read.topic = message.topic and read.partition = message.partition) > "offset"`);

/** No group reads its topic: those of parked messages, which wait for an operator. */
const UNREAD = removed('not exists (select 1 from broker_offset as read where read.topic = message.topic)');

/** Removes messages a day after they were published, when all groups have read them, and those that no group reads after 31 days. */
export const brokerCleanUps = (database: Database): readonly CleanUp[] => [
  deletion(database, { name: 'broker-messages', every: HOUR, keepFrom: (now) => now - DAY, statement: READ, projection: null }),
  deletion(database, {
    name: 'broker-unread-messages',
    every: DAY,
    keepFrom: (now) => now - 31 * DAY,
    statement: UNREAD,
    projection: null,
  }),
];
