import { type Sql } from '../kernel/sql.js';
import { type DeltaSynced, type Upsert } from '../sync/feed.js';
import { isUnplaced, type OccurrenceRow, type StoredObject } from './placed-series.js';

/** Rows per statement: a few megabytes at most. */
const SLICE = 5_000;

/** An `OccurrenceRow` as JSON carries it: what most rows have is left out, as Postgres takes long to read names. */
const sparse = (row: OccurrenceRow): Record<string, unknown> => ({
  s: row.series,
  o: row.original === '' ? undefined : row.original,
  r: row.ref === row.series ? undefined : row.ref,
  n: row.component === 0 ? undefined : row.component,
  g: row.generation,
  b: row.start,
  e: row.end,
  d: row.allDay || undefined,
  f: row.floating || undefined,
  lb: row.localStart ?? undefined,
  le: row.localEnd ?? undefined,
  z: row.zone ?? undefined,
  st: row.status,
  bu: row.busy,
  p: row.private || undefined,
  i: row.recurring || undefined,
  c: row.copy,
});

const INSERT = `
  insert into user_calendar_events (calendar_id, user_id, provider, series, original, ref, component, generation, start_at, end_at, all_day,
    floating, local_start, local_end, zone, status, busy, private, recurring, copy)
  select $1, $2, $3, s, coalesce(o, ''), coalesce(r, s), coalesce(n, 0), g, b, e, coalesce(d, false), coalesce(f, false), lb, le, z, st, bu,
    coalesce(p, false), coalesce(i, false), c
  from json_to_recordset($4::json) as fresh(s text, o text, r text, n int, g int, b timestamptz, e timestamptz, d bool, f bool, lb text, le text,
    z text, st text, bu text, p bool, i bool, c text)
  on conflict (calendar_id, series, original) do nothing`;

/** Whose rows are written. */
export type Owner = Readonly<{ calendar_id: string; user_id: string; provider: string }>;

export const insertRows = async (sql: Sql, { calendar_id, user_id, provider }: Owner, rows: readonly OccurrenceRow[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += SLICE)
    // One JSON text is far cheaper to write than arrays, whose every element is escaped.
    await sql.query(INSERT, [calendar_id, user_id, provider, JSON.stringify(rows.slice(from, from + SLICE).map(sparse))]);
};

type ContentRow = Pick<StoredObject, 'ref' | 'series' | 'generation' | 'isFocusTime'> &
  Readonly<{ timings: Pick<StoredObject, 'components' | 'zones'> }>;

/** The stored objects of some series, but for those named. */
export const storedObjects = async (
  sql: Sql,
  calendarId: string,
  series: readonly string[],
  but: readonly string[] = [],
): Promise<readonly StoredObject[]> => {
  const rows = await sql.query<ContentRow>(
    `select ref, series, generation, timings, focus_time as "isFocusTime" from event_contents
     where calendar_id = $1 and series = any($2) and ref <> all($3)`,
    [calendarId, series, but],
  );
  return rows.map(({ timings, ...object }) => ({ ...object, ...timings }));
};

const isFocusTime = ({ eventType }: Upsert): boolean => eventType === 'focus-time';

/** The objects that a delta brings. */
export const broughtBy = ({ upserts, generation }: DeltaSynced): readonly StoredObject[] =>
  upserts.map((upsert) => {
    const { ref, series, components, zones } = upsert;
    return { ref, series, generation, components, zones, isFocusTime: isFocusTime(upsert) };
  });

/** Keeps the objects that a delta brings; `unexpandable` holds the series of which no occurrence can be shown, with the code of the reason. */
export const storeContents = async (
  sql: Sql,
  { calendarId, generation, upserts }: DeltaSynced,
  unexpandable: ReadonlyMap<string, string>,
): Promise<void> => {
  if (upserts.length === 0) return;
  const rows = upserts.map((upsert) => {
    const { ref, series, components, zones, sealed, hash } = upsert;
    const timings = { components, zones };
    const marks = { unplaced: isUnplaced(components), focus: isFocusTime(upsert), unexpandable: unexpandable.get(series) ?? null };
    return { ref, series, timings, ...marks, sealed, hash };
  });
  await sql.query(
    `insert into event_contents (calendar_id, ref, series, generation, timings, unplaced, focus_time, unexpandable, sealed, hash)
     select $1, ref, series, $2, timings, unplaced, focus, unexpandable, sealed, hash
     from json_to_recordset($3::json)
       as fresh(ref text, series text, timings json, unplaced bool, focus bool, unexpandable text, sealed text, hash text)
     on conflict (calendar_id, ref) do update set series = excluded.series, generation = excluded.generation, timings = excluded.timings,
       unplaced = excluded.unplaced, focus_time = excluded.focus_time, unexpandable = excluded.unexpandable, sealed = excluded.sealed,
       hash = excluded.hash`,
    [calendarId, generation, JSON.stringify(rows)],
  );
};
