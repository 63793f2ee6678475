import { type AccountEvent } from '../calendar/account-events.js';
import { type DeltaSynced } from '../calendar/feed.js';
import { type Codec, type Recorded } from '../kernel/event-store.js';
import { type Projection } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { type OccurrenceRow, rowsOf, type StoredObject } from './occurrence-rows.js';

/** What the merged calendar is built from. */
export type MergedEvent = AccountEvent | DeltaSynced;

type CalendarRow = Readonly<{ calendar_id: string; user_id: string; provider: string; time_zone: string | null }>;

/** Rows per statement: a parameter array each column, a few megabytes at most. */
const SLICE = 5_000;

const columns = `series, original, ref, component, generation, start_at, end_at, all_day, floating, local_start, local_end, zone, status, busy,
  private, recurring, copy`;
const types = `text[], text[], text[], int[], int[], timestamptz[], timestamptz[], bool[], bool[], text[], text[], text[], text[], text[], bool[], bool[], text[]`;
const arrays = types
  .split(', ')
  .map((type, index) => `$${index + 4}::${type}`)
  .join(', ');

const valuesOf = (row: OccurrenceRow): readonly unknown[] => [
  row.series,
  row.original,
  row.ref,
  row.component,
  row.generation,
  row.start,
  row.end,
  row.allDay,
  row.floating,
  row.localStart,
  row.localEnd,
  row.zone,
  row.status,
  row.busy,
  row.private,
  row.recurring,
  row.copy,
];

const insertRows = async (sql: Sql, calendar: CalendarRow, rows: readonly OccurrenceRow[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += SLICE) {
    const values = rows.slice(from, from + SLICE).map(valuesOf);
    const byColumn = types.split(', ').map((_, column) => values.map((row) => row[column]));
    await sql.query(
      `insert into user_calendar_events (calendar_id, user_id, provider, ${columns})
       select $1, $2, $3, * from unnest(${arrays}) on conflict (calendar_id, series, original) do nothing`,
      [calendar.calendar_id, calendar.user_id, calendar.provider, ...byColumn],
    );
  }
};

const storeContents = async (
  sql: Sql,
  { calendarId, generation, upserts }: DeltaSynced,
  unexpandable: ReadonlyMap<string, string>,
): Promise<void> => {
  if (upserts.length === 0) return;
  await sql.query(
    `insert into event_contents (calendar_id, ref, series, generation, timings, unexpandable, sealed, hash)
     select $1, ref, series, $2, timings::jsonb, unexpandable, sealed, hash
     from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as fresh(ref, series, timings, unexpandable, sealed, hash)
     on conflict (calendar_id, ref) do update set series = excluded.series, generation = excluded.generation, timings = excluded.timings,
       unexpandable = excluded.unexpandable, sealed = excluded.sealed, hash = excluded.hash`,
    [
      calendarId,
      generation,
      upserts.map(({ ref }) => ref),
      upserts.map(({ series }) => series),
      upserts.map(({ components, zones }) => JSON.stringify({ components, zones })),
      upserts.map(({ series }) => unexpandable.get(series) ?? null),
      upserts.map(({ sealed }) => sealed),
      upserts.map(({ hash }) => hash),
    ],
  );
};

type ContentRow = Readonly<{ ref: string; series: string; generation: number; timings: Pick<StoredObject, 'components' | 'zones'> }>;

const stored = ({ ref, series, generation, timings }: ContentRow): StoredObject => ({ ref, series, generation, ...timings });

/** The objects of every series this delta touches, those it does not bring read from the table. */
const touched = async (sql: Sql, delta: DeltaSynced): Promise<ReadonlyMap<string, readonly StoredObject[]>> => {
  const brought: StoredObject[] = delta.upserts.map(({ ref, series, components, zones }) => ({
    ref,
    series,
    generation: delta.generation,
    components,
    zones,
  }));
  const gone = await sql.query<{ series: string }>('delete from event_contents where calendar_id = $1 and ref = any($2) returning series', [
    delta.calendarId,
    delta.removals,
  ]);
  const series = [...new Set([...brought.map((object) => object.series), ...gone.map((object) => object.series)])];
  const others = await sql.query<ContentRow>(
    'select ref, series, generation, timings from event_contents where calendar_id = $1 and series = any($2) and ref <> all($3)',
    [delta.calendarId, series, brought.map(({ ref }) => ref)],
  );
  const bySeries = new Map<string, StoredObject[]>(series.map((name) => [name, []]));
  for (const object of [...brought, ...others.map(stored)]) bySeries.get(object.series)?.push(object);
  return bySeries;
};

/** At the end of a generation whatever it did not bring is gone, but for what it listed and could not read. */
const dropOlder = async (sql: Sql, { calendarId, generation }: DeltaSynced): Promise<void> => {
  for (const table of ['user_calendar_events', 'event_contents'])
    await sql.query(`delete from ${table} where calendar_id = $1 and generation < $2`, [calendarId, generation]);
};

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
  await keepUnread(sql, delta);
  if (delta.final) await dropOlder(sql, delta);
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
  reset: async (sql) => {
    await sql.query('truncate event_calendars, event_contents, user_calendar_events');
  },
});
