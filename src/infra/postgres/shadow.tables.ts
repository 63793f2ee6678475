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

type View = Readonly<{ name: string; options: string | null; definition: string }>;

/** Views that read the live tables; their definitions name the tables without a schema. */
const viewsOf = (sql: Sql, { home, tables }: Shadow): Promise<readonly View[]> =>
  sql.query<View>(
    `select format('%s.%I', $1::text, relname) as name, array_to_string(reloptions, ', ') as options, pg_get_viewdef(oid) as definition
     from pg_class where relkind = 'v' and relnamespace = $1::regnamespace and oid in (
       select rule.ev_class from pg_rewrite rule join pg_depend on objid = rule.oid and classid = 'pg_rewrite'::regclass
       where refobjid = any(select format('%s.%s', $1::text, name)::regclass from unnest($2::text[]) as name))
     order by relname`,
    [home, tables],
  );

/** Lets the views read the shadow tables. A view that were dropped instead would lose what others were granted on it. */
const turnViews = async (sql: Sql, shadow: Shadow, views: readonly View[]): Promise<void> => {
  await enterShadow(sql, shadow);
  for (const { name, options, definition } of views)
    await sql.query(`create or replace view ${name} ${options === null ? '' : `with (${options})`} as ${definition}`);
  await sql.query(`set local search_path to ${shadow.home}`);
};

/** Puts them in the place of the live tables, which are dropped; a reader waits for the end of the transaction and sees the new ones. */
export const swapShadow = async (sql: Sql, shadow: Shadow): Promise<void> => {
  const { name, home, schema, tables } = shadow;
  const live = tables.map((table) => `${home}.${table}`).join(', ');
  const views = await viewsOf(sql, shadow);
  // Views first, because a reader of a view locks it before its tables.
  await sql.query(`lock table ${[...views.map((view) => view.name), live].join(', ')} in access exclusive mode`);
  await turnViews(sql, shadow, views);
  await sql.query(`drop table ${live}`);
  for (const table of tables) await sql.query(`alter table ${schema}.${table} set schema ${home}`);
  await sql.query(`delete from ${home}.${ASIDE} where projection = $1`, [name]);
  await sql.query(`insert into ${home}.${ASIDE} select * from ${schema}.${ASIDE}`);
  await dropShadow(sql, schema);
};

/** Removes what an attempt that is given up has built. */
export const discardShadow = (sql: Sql, { schema }: Shadow): Promise<unknown> => dropShadow(sql, schema);
