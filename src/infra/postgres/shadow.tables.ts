import { type Sql } from '../../kernel/sql.js';

/** Tables of a schema of its own that look like live ones: what is built in them is not visible until they change places. */
export type Shadow = Readonly<{
  /** The projection's. */
  name: string;
  /** Schema of the live tables. */
  home: string;
  /** Schema of the ones beside them. */
  schema: string;
  tables: readonly string[];
}>;

type Definition = Readonly<{ sql: string }>;

/** Has rows of every projection: those of one are exchanged. */
const ASIDE = 'set_aside';

const dropShadow = (sql: Sql, schema: string): Promise<unknown> => sql.query(`drop schema if exists ${schema} cascade`);

/** Constraints and indexes are repeated under their own names: migrations to come will look for them. */
const copyShape = async (sql: Sql, { home, schema }: Shadow, table: string): Promise<void> => {
  await sql.query(`create table ${schema}.${table} (like ${home}.${table} including all excluding indexes)`);
  const constraints = await sql.query<Definition>(
    `select format('alter table %s.%s add constraint %I %s', $1::text, $2::text, conname, pg_get_constraintdef(oid)) as sql
     from pg_constraint where conrelid = format('%s.%s', $3::text, $2::text)::regclass and contype in ('p', 'u', 'x') order by conname`,
    [schema, table, home],
  );
  const indexes = await sql.query<Definition>(
    `select replace(pg_get_indexdef(indexrelid), format(' ON %s.%s ', $3::text, $2::text), format(' ON %s.%s ', $1::text, $2::text)) as sql
     from pg_index where indrelid = format('%s.%s', $3::text, $2::text)::regclass
       and not exists (select 1 from pg_constraint where conindid = indexrelid) order by indexrelid`,
    [schema, table, home],
  );
  for (const definition of [...constraints, ...indexes]) await sql.query(definition.sql);
};

/** Makes empty tables beside the live ones; what an earlier attempt left is dropped. `name`: a plain identifier. */
export const makeShadow = async (sql: Sql, name: string, tables: readonly string[]): Promise<Shadow> => {
  const [row] = await sql.query<{ home: string }>('select quote_ident(current_schema()) as home');
  const shadow = { name, home: row?.home ?? 'public', schema: `rebuild_${name}`, tables };
  await dropShadow(sql, shadow.schema);
  await sql.query(`create schema ${shadow.schema}`);
  for (const table of [...tables, ASIDE]) await copyShape(sql, shadow, table);
  return shadow;
};

/** From here to the end of the transaction the names of the tables mean the ones beside the live ones. */
export const enterShadow = async (sql: Sql, { home, schema }: Shadow): Promise<void> => {
  await sql.query(`set local search_path to ${schema}, ${home}`);
};

/** Lets the planner know what came into the tables, before anybody asks them. */
export const measureShadow = async (sql: Sql, { schema, tables }: Shadow): Promise<void> => {
  for (const table of tables) await sql.query(`analyze ${schema}.${table}`);
};

/** Puts them in the place of the live tables, which are dropped; a reader waits for the end of the transaction and sees the new ones. */
export const swapShadow = async (sql: Sql, { name, home, schema, tables }: Shadow): Promise<void> => {
  const live = tables.map((table) => `${home}.${table}`).join(', ');
  await sql.query(`lock table ${live} in access exclusive mode`);
  await sql.query(`drop table ${live}`);
  for (const table of tables) await sql.query(`alter table ${schema}.${table} set schema ${home}`);
  await sql.query(`delete from ${home}.${ASIDE} where projection = $1`, [name]);
  await sql.query(`insert into ${home}.${ASIDE} select * from ${schema}.${ASIDE}`);
  await dropShadow(sql, schema);
};

/** Removes what an attempt that is given up has built. */
export const discardShadow = (sql: Sql, { schema }: Shadow): Promise<unknown> => dropShadow(sql, schema);
