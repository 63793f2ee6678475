import { type AccountEvent } from '../calendar/account-events.js';
import { type DeltaSynced } from '../calendar/feed.js';
import { type Codec, type Recorded } from '../kernel/event-store.js';
import { type Projection } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { type OccurrenceRow, rowsOf, type StoredObject } from './occurrence-rows.js';

/** What the merged calendar is built from. */
export type MergedEvent = AccountEvent | DeltaSynced;

type CalendarRow = Readonly<{ calendar_id: string; user_id: string; provider: string; time_zone: string | null }>;

/** Rows per statement: a few megabytes at most. */
const SLICE = 5_000;

/** What `json_to_recordset` reads of an `OccurrenceRow`, and the columns it goes to. */
const ROW = `series text, original text, ref text, component int, generation int, "start" timestamptz, "end" timestamptz, "allDay" bool,
  floating bool, "localStart" text, "localEnd" text, zone text, status text, busy text, private bool, recurring bool, copy text`;
const COLUMNS = `series, original, ref, component, generation, start_at, end_at, all_day, floating, local_start, local_end, zone, status, busy,
  private, recurring, copy`;

const insertRows = async (sql: Sql, calendar: CalendarRow, rows: readonly OccurrenceRow[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += SLICE)
    await sql.query(
      `insert into user_calendar_events (calendar_id, user_id, provider, ${COLUMNS})
       select $1, $2, $3, fresh.* from json_to_recordset($4::json) as fresh(${ROW}) on conflict (calendar_id, series, original) do nothing`,
      // One JSON text is far cheaper to write than arrays, whose every element is escaped.
      [calendar.calendar_id, calendar.user_id, calendar.provider, JSON.stringify(rows.slice(from, from + SLICE))],
    );
};

const storeContents = async (
  sql: Sql,
  { calendarId, generation, upserts }: DeltaSynced,
  unexpandable: ReadonlyMap<string, string>,
): Promise<void> => {
  if (upserts.length === 0) return;
  const rows = upserts.map(({ ref, series, components, zones, sealed, hash }) => ({
    ref,
    series,
    timings: { components, zones },
    unexpandable: unexpandable.get(series) ?? null,
    sealed,
    hash,
  }));
  await sql.query(
    `insert into event_contents (calendar_id, ref, series, generation, timings, unexpandable, sealed, hash)
     select $1, ref, series, $2, timings, unexpandable, sealed, hash
     from json_to_recordset($3::json) as fresh(ref text, series text, timings jsonb, unexpandable text, sealed text, hash text)
     on conflict (calendar_id, ref) do update set series = excluded.series, generation = excluded.generation, timings = excluded.timings,
       unexpandable = excluded.unexpandable, sealed = excluded.sealed, hash = excluded.hash`,
    [calendarId, generation, JSON.stringify(rows)],
  );
};

type ContentRow = Readonly<{ ref: string; series: string; generation: number; timings: Pick<StoredObject, 'components' | 'zones'> }>;

const stored = ({ ref, series, generation, timings }: ContentRow): StoredObject => ({ ref, series, generation, ...timings });

/** Takes out what went: what the delta names and, at the end of a generation, whatever the generation did not bring. Answers their series. */
const drop = async (sql: Sql, { calendarId, generation, upserts, removals, final }: DeltaSynced): Promise<readonly string[]> => {
  const gone = await sql.query<{ series: string }>(
    `delete from event_contents where calendar_id = $1 and (ref = any($2) or ($3 and generation < $4 and ref <> all($5))) returning series`,
    [calendarId, removals, final, generation, upserts.map(({ ref }) => ref)],
  );
  return gone.map(({ series }) => series);
};

/** The objects of every series this delta touches, those it does not bring read from the table. */
const touched = async (sql: Sql, delta: DeltaSynced): Promise<ReadonlyMap<string, readonly StoredObject[]>> => {
  const brought: StoredObject[] = delta.upserts.map(({ ref, series, components, zones }) => ({
    ref,
    series,
    generation: delta.generation,
    components,
    zones,
  }));
  const series = [...new Set([...brought.map((object) => object.series), ...(await drop(sql, delta))])];
  const others = await sql.query<ContentRow>(
    'select ref, series, generation, timings from event_contents where calendar_id = $1 and series = any($2) and ref <> all($3)',
    [delta.calendarId, series, brought.map(({ ref }) => ref)],
  );
  const bySeries = new Map<string, StoredObject[]>(series.map((name) => [name, []]));
  for (const object of [...brought, ...others.map(stored)]) bySeries.get(object.series)?.push(object);
  return bySeries;
};

/** What a generation listed and could not read stays as it was, and counts as brought. */
const keepUnread = async (sql: Sql, { calendarId, generation, kept }: DeltaSynced): Promise<void> => {
  if (kept.length === 0) return;
  for (const table of ['user_calendar_events', 'event_contents'])
    await sql.query(`update ${table} set generation = $2 where calendar_id = $1 and ref = any($3)`, [calendarId, generation, kept]);
};

const applyDelta = async (sql: Sql, delta: DeltaSynced): Promise<void> => {
  const [calendar] = await sql.query<CalendarRow>(
    'select calendar_id, user_id, provider, time_zone from event_calendars where calendar_id = $1',
    [delta.calendarId],
  );
  // Revoked meanwhile: what a late worker still appended is nobody's any more.
  if (calendar === undefined) return;
  await keepUnread(sql, delta);
  const bySeries = await touched(sql, delta);
  const rows: OccurrenceRow[] = [];
  const unexpandable = new Map<string, string>();
  for (const [series, objects] of bySeries) {
    const expanded = rowsOf(objects, delta.window, calendar.time_zone ?? 'UTC');
    if (expanded.unexpandable !== null) unexpandable.set(series, expanded.unexpandable);
    for (const row of expanded.rows) rows.push(row);
  }
  if (bySeries.size > 0)
    await sql.query('delete from user_calendar_events where calendar_id = $1 and series = any($2)', [
      delta.calendarId,
      [...bySeries.keys()],
    ]);
  await insertRows(sql, calendar, rows);
  await storeContents(sql, delta, unexpandable);
};

const forget = async (sql: Sql, connectionId: string): Promise<void> => {
  const gone = await sql.query<{ calendar_id: string }>('delete from event_calendars where connection_id = $1 returning calendar_id', [
    connectionId,
  ]);
  const ids = gone.map(({ calendar_id }) => calendar_id);
  for (const table of ['user_calendar_events', 'event_contents'])
    await sql.query(`delete from ${table} where calendar_id = any($1)`, [ids]);
};

const applyOne = async (sql: Sql, { stream, event }: Recorded<MergedEvent>): Promise<void> => {
  switch (event.type) {
    case 'CalendarAdopted':
      await sql.query(
        `insert into event_calendars (calendar_id, connection_id, user_id, provider, time_zone) values ($1, $2, $3, $4, $5) on conflict do nothing`,
        [stream.slice('calendar-'.length), event.connectionId, event.userId, event.provider, event.timeZone],
      );
      return;
    case 'DeltaSynced':
      return applyDelta(sql, event);
    case 'ConnectionRevoked':
    case 'ConnectionPurged':
      return forget(sql, stream.slice('connection-'.length));
    default:
      return;
  }
};

/** The merged calendar: one row per occurrence, and the sealed contents once per object. Copies sealed bytes, needs no key. */
export const userCalendarEvents = (codec: Codec<MergedEvent>): Projection<MergedEvent> => ({
  name: 'user_calendar_events',
  follows: ['connection-', 'calendar-', 'feed-'],
  codec,
  apply: async (sql, events) => {
    for (const recorded of events) await applyOne(sql, recorded);
  },
  tables: ['event_calendars', 'event_contents', 'user_calendar_events'],
});
