import { named, type Sql } from '../kernel/sql.js';
import { type DirectoryChange } from './directory-change.js';

const MEMBER = `
  insert into directory_members (user_id, teams, told_at) values (:id, :teams, :at)
  on conflict (user_id) do update set teams = excluded.teams, told_at = excluded.told_at
  where directory_members.told_at <= excluded.told_at`;

const RESOURCE = `
  insert into directory_resources (resource_id, kind, name, capacity, time_zone, teams, told_at)
  values (:id, :kind, :name, :capacity, :timeZone, :teams, :at)
  on conflict (resource_id) do update set
    (kind, name, capacity, time_zone, teams, told_at)
      = (excluded.kind, excluded.name, excluded.capacity, excluded.time_zone, excluded.teams, excluded.told_at)
  where directory_resources.told_at <= excluded.told_at`;

/** Of what was removed a row without teams is left for a while, so that an older message that comes late does not bring it back. */
const GONE = { kind: null, name: null, capacity: null, timeZone: null, teams: null } as const;

/** Writes what the directory told, unless something later is known. Repeatable. */
export const writeChange = async (sql: Sql, change: DirectoryChange): Promise<void> => {
  const { of, id, at } = change;
  switch (of) {
    case 'member':
      await sql.query(...named(MEMBER, { id, teams: change.teams, at }));
      return;
    case 'removed member':
      await sql.query(...named(MEMBER, { id, teams: null, at }));
      return;
    case 'resource':
      await sql.query(...named(RESOURCE, { id, ...change.resource, at }));
      return;
    case 'removed resource':
      await sql.query(...named(RESOURCE, { id, ...GONE, at }));
  }
};

/** Teams of those people whom the directory names; none for those it took out. */
export const toldTeams = async (sql: Sql, userIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> => {
  const rows = await sql.query<{ user_id: string; teams: readonly string[] | null }>(
    'select user_id, teams from directory_members where user_id = any($1)',
    [userIds],
  );
  return new Map(rows.map(({ user_id, teams }) => [user_id, teams ?? []]));
};

/** Those of the resources named that belong to one of these teams. */
export const resourcesOf = (
  sql: Sql,
  teams: readonly string[],
  ids: readonly string[],
): Promise<readonly Readonly<{ resource_id: string; time_zone: string | null }>[]> =>
  sql.query('select resource_id, time_zone from directory_resources where resource_id = any($1) and teams && $2', [ids, teams]);
