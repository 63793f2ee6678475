import { type Sql } from '../../kernel/sql.js';

// Locks of two keys, the group and a name: of a partition, or of the mark that each reader of a topic holds together with the others. They go with the session
// that took them, at once when its process is killed.

const GROUP = `hashtext('broker ' || $1)`;

/** Which of these locks anybody holds in this database, and how many do. Postgres shows the keys without their signs. */
const HOLDERS = `
  select name, count(*)::int as holders from unnest($2::text[]) as name join pg_locks on objid::bigint = (hashtext(name)::bigint & 4294967295)
  where locktype = 'advisory' and objsubid = 2 and granted and classid::bigint = (${GROUP}::bigint & 4294967295)
    and database = (select oid from pg_database where datname = current_database())
  group by name`;

/** How many sessions hold each of these locks; names that none holds are left out. */
export const holdersOf = async (sql: Sql, group: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const rows = await sql.query<{ name: string; holders: number }>(HOLDERS, [group, names]);
  return new Map(rows.map(({ name, holders }) => [name, holders]));
};

/** Takes a lock that any number of sessions may hold. */
export const mark = async (sql: Sql, group: string, name: string): Promise<void> => {
  await sql.query(`select pg_advisory_lock_shared(${GROUP}, hashtext($2))`, [group, name]);
};

/** Takes a lock for this session alone; false when another has it. */
export const lock = async (sql: Sql, group: string, name: string): Promise<boolean> => {
  const [row] = await sql.query<{ locked: boolean }>(`select pg_try_advisory_lock(${GROUP}, hashtext($2)) as locked`, [group, name]);
  return row?.locked === true;
};

export const unlock = async (sql: Sql, group: string, name: string): Promise<void> => {
  await sql.query(`select pg_advisory_unlock(${GROUP}, hashtext($2))`, [group, name]);
};

export const unlockAll = async (sql: Sql): Promise<void> => {
  await sql.query('select pg_advisory_unlock_all()');
};
