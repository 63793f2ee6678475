import { type CleanUp, deletion } from '../kernel/clean-up.js';
import { DAY } from '../kernel/clock.js';
import { type Database } from '../kernel/sql.js';
import { MEMBERSHIP_KEPT } from './teams.sql.js';

const FORGOTTEN = `delete from team_members where ctid = any(array(select ctid from team_members where seen_at < $1 limit $2)) returning 1`;

const goneFrom = (table: string): string =>
  `delete from ${table} where ctid = any(array(select ctid from ${table} where teams is null and told_at < $1 limit $2)) returning 1`;

/** How long it is remembered that somebody or something was removed: no message that is older comes later than that. */
const GONE_KEPT = 31 * DAY;

/** Forgets memberships that no token has named for 30 days, and what the directory took out. */
export const directoryCleanUps = (database: Database): readonly CleanUp[] => {
  const gone = { every: DAY, keepFrom: (now: number) => now - GONE_KEPT, projection: null } as const;
  return [
    deletion(database, { ...gone, name: 'team-members', keepFrom: (now) => now - MEMBERSHIP_KEPT, statement: FORGOTTEN }),
    deletion(database, { ...gone, name: 'directory-members', statement: goneFrom('directory_members') }),
    deletion(database, { ...gone, name: 'directory-resources', statement: goneFrom('directory_resources') }),
  ];
};
