import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { DAY, HOUR } from '../../kernel/clock.js';
import { type Database } from '../../kernel/sql.js';

const KEYED = `delete from idempotency where ctid = any(array(select ctid from idempotency where created_at < $1 limit $2)) returning 1`;

const TICKETS = `delete from stream_ticket where ctid = any(array(select ctid from stream_ticket where expires_at < $1 limit $2)) returning 1`;

/** Keyed requests that can no longer be repeated, and tickets that were not redeemed in time. */
export const requestCleanUps = (database: Database): readonly CleanUp[] => [
  deletion(database, { name: 'idempotency-keys', every: HOUR, keepFrom: (now) => now - DAY, statement: KEYED, projection: null }),
  deletion(database, { name: 'stream-tickets', every: HOUR, keepFrom: (now) => now, statement: TICKETS, projection: null }),
];
