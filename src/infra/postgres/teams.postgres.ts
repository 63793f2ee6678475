import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { type Clock, DAY, HOUR, instant } from '../../kernel/clock.js';
import { type Log } from '../../kernel/log.js';
import { type Database } from '../../kernel/sql.js';
import { type Teams } from '../../kernel/teams.js';

const KEPT = 30 * DAY;

const FORGOTTEN = `delete from team_members where ctid = any(array(select ctid from team_members where seen_at < $1 limit $2)) returning 1`;

/** Forgets memberships that no token has named for 30 days. */
export const teamCleanUps = (database: Database): readonly CleanUp[] => [
  deletion(database, { name: 'team-members', every: DAY, keepFrom: (now) => now - KEPT, statement: FORGOTTEN, projection: null }),
];

/** How long a process goes by what it has noted of somebody, as long as their tokens say the same. */
const NOTED = HOUR;

/** Past this many people the memory starts again rather than grow. */
const MOST_NOTED = 10_000;

/** Teams in the table `team_members`. Each process writes what a token says once an hour, and when it says something else. */
export const postgresTeams = (database: Database, clock: Clock, log: Log): Teams => {
  const noted = new Map<string, Readonly<{ teams: string; at: number }>>();
  const write = (userId: string, teams: readonly string[], now: number): Promise<unknown> =>
    database.transaction(async (sql) => {
      await sql.query('delete from team_members where user_id = $1 and team <> all($2)', [userId, teams]);
      await sql.query(
        `insert into team_members (user_id, team, seen_at) select $1, team, $3 from unnest($2::text[]) as named(team)
         on conflict (user_id, team) do update set seen_at = excluded.seen_at`,
        [userId, teams, instant(now)],
      );
    });
  return {
    remember: async ({ userId, teams }) => {
      const now = clock.now();
      const distinct = [...new Set(teams)].sort();
      const last = noted.get(userId);
      if (last?.teams === distinct.join() && now - last.at < NOTED) return;
      try {
        await write(userId, distinct, now);
      } catch (error) {
        log.error('the teams of a token could not be noted', error);
        return;
      }
      if (noted.size >= MOST_NOTED) noted.clear();
      noted.set(userId, { teams: distinct.join(), at: now });
    },
    mates: async (teams, userIds) => {
      const rows = await database.query<{ user_id: string }>(
        'select distinct user_id from team_members where team = any($1) and user_id = any($2) and seen_at > $3',
        [teams, userIds, instant(clock.now() - KEPT)],
      );
      return new Set(rows.map(({ user_id }) => user_id));
    },
  };
};
