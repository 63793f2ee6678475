import { type Clock, DAY, HOUR, instant } from '../kernel/clock.js';
import { type Log } from '../kernel/log.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { type Teams } from '../kernel/teams.js';
import { resourcesOf, toldTeams } from './directory.sql.js';
import { teamsOf } from './membership.js';

/** How long a membership is known that no token has named again, in milliseconds. */
export const MEMBERSHIP_KEPT = 30 * DAY;

/** How long a process goes by what it has noted of somebody, as long as their tokens say the same. */
const NOTED = HOUR;

/** Past this many people the memory starts again rather than grow. */
const MOST_NOTED = 10_000;

/** Notes in the table `team_members` what tokens say: each process once an hour for each person, and when a token says something else. */
const tokenNotes = (database: Database, clock: Clock, log: Log): Teams['remember'] => {
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
  return async ({ userId, teams }) => {
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
  };
};

/** Teams that people's tokens named lately. */
const shownTeams = async (sql: Sql, userIds: readonly string[], since: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const rows = await sql.query<{ user_id: string; teams: readonly string[] }>(
    'select user_id, array_agg(team) as teams from team_members where user_id = any($1) and seen_at > $2 group by user_id',
    [userIds, since],
  );
  return new Map(rows.map(({ user_id, teams }) => [user_id, teams]));
};

type Options = Readonly<{ database: Database; clock: Clock; log: Log; tokensCount: boolean }>;

/** Teams by the tables `directory_members`, `directory_resources` and `team_members`. `tokensCount`: see `teamsOf`. */
export const postgresTeams = ({ database, clock, log, tokensCount }: Options): Teams => ({
  remember: tokenNotes(database, clock, log),
  mates: async ({ userId, teams }, userIds) => {
    const since = instant(clock.now() - MEMBERSHIP_KEPT);
    const [told, shown] = await Promise.all([toldTeams(database, [userId, ...userIds]), shownTeams(database, userIds, since)]);
    const mine = new Set(teamsOf({ told: told.get(userId) ?? null, shown: teams }, tokensCount));
    return new Set(
      userIds.filter((each) =>
        teamsOf({ told: told.get(each) ?? null, shown: shown.get(each) ?? [] }, tokensCount).some((team) => mine.has(team)),
      ),
    );
  },
  resources: async ({ userId, teams }, resourceIds) => {
    if (resourceIds.length === 0) return new Map();
    const told = (await toldTeams(database, [userId])).get(userId) ?? null;
    const rows = await resourcesOf(database, teamsOf({ told, shown: teams }, tokensCount), resourceIds);
    return new Map(rows.map(({ resource_id, time_zone }) => [resource_id, { timeZone: time_zone }]));
  },
});
