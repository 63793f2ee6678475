import { HELD_DATA, INFRASTRUCTURE } from '../../src/app/held-data.js';

type Query = <Row extends Readonly<Record<string, unknown>>>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A column of a table that holds rows of its own: no view, and none of the tables that a rebuild fills beside the live ones. */
type Column = Readonly<{ table: string; column: string; type: string; filled: boolean }>;

export const columnsOf = (query: Query): Promise<readonly Column[]> =>
  query<Column>(
    `select t.table_name::text as table, c.column_name::text as column, c.data_type::text as type,
       c.is_nullable = 'NO' and c.column_default is null as filled
     from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
     where t.table_type = 'BASE TABLE' and t.table_schema not in ('pg_catalog', 'information_schema') and t.table_schema not like 'rebuild%'
     order by 1, c.ordinal_position`,
  );

/** A name that says whose a row is. */
const NAMES_OWNER = /(user|person|subject|actor|connection|calendar)(_?id)?$/;

/** What the list of held data does not say of the tables there are, or says of none. */
export const unstated = async (query: Query): Promise<readonly string[]> => {
  const columns = await columnsOf(query);
  const tables = new Set(columns.map(({ table }) => table));
  const stated = (table: string, column: string): boolean =>
    HELD_DATA.some((held) => held.table === table && held.owners.some((owner) => owner.column === column));
  const isHeld = (table: string): boolean => HELD_DATA.some((held) => held.table === table);
  return [
    ...[...tables].filter((table) => !isHeld(table) && !(table in INFRASTRUCTURE)).map((table) => `${table} is not listed`),
    ...[...tables].filter((table) => isHeld(table) && table in INFRASTRUCTURE).map((table) => `${table} is listed twice`),
    ...columns
      .filter(({ table, column }) => NAMES_OWNER.test(column) && !stated(table, column))
      .map(({ table, column }) => `${table}.${column} names an owner and is not stated`),
    ...[...HELD_DATA.map(({ table }) => table), ...Object.keys(INFRASTRUCTURE)]
      .filter((table) => !tables.has(table))
      .map((table) => `${table} does not exist`),
    ...HELD_DATA.flatMap(({ table, owners }) =>
      owners
        .filter((owner) => !columns.some((each) => each.table === table && each.column === owner.column))
        .map(({ column }) => `${table}.${column} does not exist`),
    ),
  ];
};

export type Revoked = Readonly<{ connectionId: string; calendarIds: readonly string[] }>;

/** How many rows mention a connection or one of its calendars, in any column, by table; tables without such rows are left out. */
export const mentions = async (query: Query, { connectionId, calendarIds }: Revoked): Promise<Readonly<Record<string, number>>> => {
  const tables = [...new Set((await columnsOf(query)).map(({ table }) => table))];
  const counts = tables.map(
    (table) =>
      `select '${table}' as name, count(*)::int as rows from ${table} as held where strpos(held::text, $1) > 0
         or exists (select 1 from unnest($2::text[]) as calendar where strpos(held::text, calendar) > 0)`,
  );
  const rows = await query<{ name: string; rows: number }>(counts.join(' union all '), [connectionId, calendarIds]);
  return Object.fromEntries(rows.flatMap(({ name, rows: count }) => (count === 0 ? [] : [[name, count]])));
};

/** How many rows a connection and its calendars have in each of the tables from which a revoke removes them. */
export const removable = async (query: Query, { connectionId, calendarIds }: Revoked): Promise<Readonly<Record<string, number>>> => {
  const counts = HELD_DATA.filter(({ onRevoke }) => onRevoke === 'removed').map(
    ({ table, owners }) =>
      `select '${table}' as name, count(*)::int as rows from ${table} where ${owners
        .filter(({ of }) => of !== 'user')
        .map(
          ({ of, column, prefix }) =>
            `${column}::text = any(select '${prefix}' || id from unnest($${of === 'connection' ? 1 : 2}::text[]) as id)`,
        )
        .join(' or ')}`,
  );
  const rows = await query<{ name: string; rows: number }>(counts.join(' union all '), [[connectionId], calendarIds]);
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
};

/** Tables in which rows of a revoked connection may be left. */
export const KEPT = HELD_DATA.flatMap(({ table, onRevoke }) => (onRevoke === 'removed' ? [] : [table]));
