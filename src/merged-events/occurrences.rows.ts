import { type Sql } from '../kernel/sql.js';
import { type OccurrenceRow, type StoredObject } from './occurrence-rows.js';

/** Rows per statement: a few megabytes at most. */
const SLICE = 5_000;

/** What `json_to_recordset` reads of an `OccurrenceRow`, and the columns it goes to. */
const ROW = `series text, original text, ref text, component int, generation int, "start" timestamptz, "end" timestamptz, "allDay" bool,
  floating bool, "localStart" text, "localEnd" text, zone text, status text, busy text, private bool, recurring bool, copy text`;
const COLUMNS = `series, original, ref, component, generation, start_at, end_at, all_day, floating, local_start, local_end, zone, status, busy,
  private, recurring, copy`;

/** Whose rows are written. */
export type Owner = Readonly<{ calendar_id: string; user_id: string; provider: string }>;

export const insertRows = async (sql: Sql, calendar: Owner, rows: readonly OccurrenceRow[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += SLICE)
    await sql.query(
      `insert into user_calendar_events (calendar_id, user_id, provider, ${COLUMNS})
       select $1, $2, $3, fresh.* from json_to_recordset($4::json) as fresh(${ROW}) on conflict (calendar_id, series, original) do nothing`,
      // One JSON text is far cheaper to write than arrays, whose every element is escaped.
      [calendar.calendar_id, calendar.user_id, calendar.provider, JSON.stringify(rows.slice(from, from + SLICE))],
    );
};

type ContentRow = Readonly<{ ref: string; series: string; generation: number; timings: Pick<StoredObject, 'components' | 'zones'> }>;

/** The stored objects of some series, but for those named. */
export const storedObjects = async (
  sql: Sql,
  calendarId: string,
  series: readonly string[],
  but: readonly string[] = [],
): Promise<readonly StoredObject[]> => {
  const rows = await sql.query<ContentRow>(
    'select ref, series, generation, timings from event_contents where calendar_id = $1 and series = any($2) and ref <> all($3)',
    [calendarId, series, but],
  );
  return rows.map(({ timings, ...object }) => ({ ...object, ...timings }));
};
