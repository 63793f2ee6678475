import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { DAY, HOUR } from '../../kernel/clock.js';
import { type Database } from '../../kernel/sql.js';

const KEYED = `delete from idempotency where ctid = any(array(select ctid from idempotency where created_at < $1 limit $2)) returning 1`;

/** Keyed requests nobody can repeat any more. */
export const requestCleanUps = (database: Database): readonly CleanUp[] => [
  deletion(database, { name: 'idempotency-keys', every: HOUR, keepFrom: (now) => now - DAY, statement: KEYED, projection: null }),
];
