import { type CleanUp, deletion } from '../kernel/clean-up.js';
import { HOUR } from '../kernel/clock.js';
import { type Database } from '../kernel/sql.js';

const ATTEMPTS = `delete from connection_attempt where ctid = any(array(select ctid from connection_attempt where expires_at < $1 limit $2)) returning 1`;

/** Attempts whose time is over; for an hour more they tell a person who comes back late what has happened, and send them back where they came from. */
export const attemptCleanUp = (database: Database): CleanUp =>
  deletion(database, { name: 'connection-attempts', every: HOUR, keepFrom: (now) => now - HOUR, statement: ATTEMPTS, projection: null });
