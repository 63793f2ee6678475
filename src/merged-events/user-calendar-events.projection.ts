import { type AccountEvent } from '../calendar/account-events.js';
import { type DeltaSynced, FEED } from '../sync/feed.js';
import { keptFrom } from './retention.js';
import { type ZoneRulesChanged } from './zone-change.js';
import { type EventFamily, idOf, type Position, type Recorded } from '../kernel/event-store.js';
import { instant } from '../kernel/clock.js';
import { type Projection, type Separable } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { type PreferenceEvent } from '../preference/preference.js';
import { changesOf, type EventChange, MOST_TOLD } from './changes/changes.js';
import { dropOldChanges, recordCalendarChanges, recordConnectionChange, recordEventChanges, type Source } from './changes/changes.rows.js';
import { type StoredObject } from './placed-series.js';
import { broughtBy, storeContents, storedObjects } from './occurrences.rows.js';
import { nameZone, placeLater, prefer } from './placement.rows.js';
import { adopt, empty, forget, NAME, show, takeBack, tellOwner } from './event-calendars.rows.js';
import { adjustShare, AT_ONCE, type PlacedCalendar, placeSlices } from './placing.rows.js';
import { admitZoneRules, placeByNewRules } from './zone-rules.rows.js';

/** What the merged calendar is built from. */
export type MergedEvent = AccountEvent | DeltaSynced | PreferenceEvent | ZoneRulesChanged;

/** `zone` is where days and floating times are: the calendar's, else its owner's, else UTC. */
type CalendarRow = PlacedCalendar & Readonly<{ whole: boolean; visible: boolean; window_start: Date | null; window_end: Date | null }>;

/** Takes out what went: what the delta names and, at the end of a generation, what the generation did not bring. Answers their series. */
const drop = async (sql: Sql, { calendarId, generation, upserts, removals, final }: DeltaSynced): Promise<readonly string[]> => {
  const gone = await sql.query<{ series: string }>(
    `delete from event_contents where calendar_id = $1 and (ref = any($2) or ($3 and generation < $4 and ref <> all($5))) returning series`,
    [calendarId, removals, final, generation, upserts.map(({ ref }) => ref)],
  );
  return gone.map(({ series }) => series);
};

/** The objects of every series this delta touches, those it does not bring read from the table. */
const touched = async (sql: Sql, delta: DeltaSynced): Promise<ReadonlyMap<string, readonly StoredObject[]>> => {
  const brought = broughtBy(delta);
  const series = [...new Set([...brought.map((object) => object.series), ...(await drop(sql, delta))])];
  const others = await storedObjects(
    sql,
    delta.calendarId,
    series,
    brought.map(({ ref }) => ref),
  );
  const bySeries = new Map<string, StoredObject[]>(series.map((name) => [name, []]));
  for (const object of [...brought, ...others]) bySeries.get(object.series)?.push(object);
  return bySeries;
};

/** What a generation listed and could not read stays as it was, and counts as brought. */
const keepUnread = async (sql: Sql, { calendarId, generation, kept }: DeltaSynced): Promise<void> => {
  if (kept.length === 0) return;
  for (const table of ['user_calendar_events', 'event_contents'])
    await sql.query(`update ${table} set generation = $2 where calendar_id = $1 and ref = any($3)`, [calendarId, generation, kept]);
};

/** A statement takes each object once; of one that comes twice the last version holds. */
const withoutRepetitions = (delta: DeltaSynced): DeltaSynced => ({
  ...delta,
  upserts: [...new Map(delta.upserts.map((upsert) => [upsert.ref, upsert])).values()],
});

/**
 * What placing a delta came to: what changed, no more of it than is told one by one; which series cannot be expanded; whether it leaves
 * occurrences for a worker to place.
 */
type Placed = Readonly<{ changes: readonly EventChange[]; unexpandable: ReadonlyMap<string, string>; leaves: boolean }>;

/** Until a calendar has been read to its end there is nothing to tell changes of: then all of it is there at once. */
const tellChanges = async (
  sql: Sql,
  source: Source,
  { calendar_id: calendarId, whole, visible }: CalendarRow,
  delta: DeltaSynced,
  { changes, leaves }: Placed,
): Promise<void> => {
  if (whole && visible && leaves) await recordCalendarChanges(sql, source, 'calendar-changed', [calendarId]);
  else if (whole && visible) await recordEventChanges(sql, source, calendarId, changes);
  else if (!whole && delta.final) {
    await sql.query('update event_calendars set whole = true where calendar_id = $1', [calendarId]);
    if (visible) await recordCalendarChanges(sql, source, 'calendar-added', [calendarId]);
  }
  if (delta.final) await dropOldChanges(sql, delta);
};

/** What ended 30 days before a delta has been removed, or will be: bringing it back would make the rows depend on when. */
const withoutThePast = (delta: DeltaSynced): DeltaSynced => {
  const oldest = instant(keptFrom(Date.parse(delta.at)));
  return delta.window.start >= oldest ? delta : { ...delta, window: { ...delta.window, start: oldest } };
};

/** The window rows are expanded in: kept for when they have to be placed again. */
const moveWindow = async (sql: Sql, { calendar_id, window_start, window_end }: CalendarRow, { window }: DeltaSynced): Promise<void> => {
  if (window_start?.toISOString() === window.start && window_end?.toISOString() === window.end) return;
  await sql.query('update event_calendars set window_start = $2, window_end = $3 where calendar_id = $1', [
    calendar_id,
    window.start,
    window.end,
  ]);
};

/** Places the series a delta touches. */
const placeDelta = async (sql: Sql, calendar: CalendarRow, delta: DeltaSynced): Promise<Placed> => {
  const now = Date.parse(delta.at);
  const touchedSeries = [...(await touched(sql, delta))].map(([series, objects]) => ({ series, objects, now }));
  const changed = new Set(delta.upserts.filter((upsert) => upsert.changed).map(({ ref }) => ref));
  const changes: EventChange[] = [];
  const unexpandable = new Map<string, string>();
  // In one order, so that changes are told in the same one when they are applied again.
  const inOrder = touchedSeries.sort((a, b) => (a.series < b.series ? -1 : 1));
  const atOnce = { ...calendar, share: Math.min(calendar.share, AT_ONCE) };
  let leaves = false;
  for await (const slice of placeSlices(sql, atOnce, inOrder, delta.window)) {
    leaves ||= slice.shortened && calendar.share > atOnce.share;
    for (const [series, code] of slice.unexpandable) unexpandable.set(series, code);
    if (calendar.whole && calendar.visible && changes.length <= MOST_TOLD)
      for (const change of changesOf(slice.before, slice.after, changed, delta.window.start)) changes.push(change);
  }
  if (inOrder.length > 0) await adjustShare(sql, calendar, delta.at);
  if (leaves) await placeLater(sql, { userId: calendar.user_id, at: delta.at }, { reason: 'share', calendarId: delta.calendarId });
  return { changes, unexpandable, leaves };
};

const applyDelta = async (sql: Sql, delta: DeltaSynced, position: Position): Promise<void> => {
  const [calendar] = await sql.query<CalendarRow>(
    `select c.calendar_id, c.user_id, c.provider, c.whole, c.visible, c.window_start, c.window_end, c.share,
       coalesce(c.time_zone, (select p.time_zone from event_people p where p.user_id = c.user_id), 'UTC') as zone,
       coalesce((select p.focus_time_is_busy from event_people p where p.user_id = c.user_id), true) as "focusTimeIsBusy"
     from event_calendars c where c.calendar_id = $1`,
    [delta.calendarId],
  );
  // Revoked meanwhile: what a late worker still appended belongs to no person any more.
  if (calendar === undefined) return;
  await moveWindow(sql, calendar, delta);
  await keepUnread(sql, delta);
  const placed = await placeDelta(sql, calendar, delta);
  await storeContents(sql, delta, placed.unexpandable);
  await tellChanges(sql, { userId: calendar.user_id, position, at: delta.at }, calendar, delta, placed);
};

const applyOne = async (sql: Sql, { stream, event, position }: Recorded<MergedEvent>): Promise<void> => {
  switch (event.type) {
    case 'CalendarAdopted':
      return adopt(sql, idOf(stream), event);
    case 'CalendarDescribed':
      await nameZone(sql, idOf(stream), event);
      return tellOwner(sql, { calendarId: idOf(stream), position, at: event.at });
    case 'VisibilitySet':
      return show(sql, { position, at: event.at }, idOf(stream), event.visible);
    case 'CalendarPreferenceSet':
      return prefer(sql, event);
    case 'ZoneRulesChanged':
      return placeByNewRules(sql, event, position);
    case 'DeltaSynced':
      return applyDelta(sql, withoutThePast(withoutRepetitions(event)), position);
    case 'FeedExpired':
      return empty(sql, idOf(stream), { position, at: event.at });
    case 'ConnectionRevoked':
      await forget(sql, { userId: event.userId, position, at: event.at }, idOf(stream));
      return recordConnectionChange(sql, { userId: event.userId, position, at: event.at }, idOf(stream), 'connection');
    case 'ConnectionPurged':
    case 'CalendarConnected':
    case 'CalendarsDiscovered':
    case 'AccessGranted':
    case 'ConnectionReauthorized':
    case 'ConnectionFailing':
    case 'ConnectionRecovered':
      return recordConnectionChange(sql, { userId: event.userId, position, at: event.at }, idOf(stream), 'connection');
    case 'BaselineCompleted':
    case 'SyncFailed':
    case 'SyncRecovered':
    case 'MassChangeHeld':
    case 'WriteToggled':
      return tellOwner(sql, { calendarId: idOf(stream), position, at: event.at });
    default:
      return;
  }
};

const separable: Separable<MergedEvent> = {
  contents: [FEED],
  facts: ['calendar'],
  generationOf: (event) => (event.type === 'DeltaSynced' ? event.generation : null),
  setAside: tellOwner,
  takeBack,
};

/**
 * The merged calendar: one row per occurrence, the sealed contents once per object, and what changed in either. Copies sealed bytes, needs no
 * key.
 */
export const userCalendarEvents = (families: readonly EventFamily<MergedEvent>[]): Projection<MergedEvent> => ({
  name: NAME,
  meaning: 3,
  families,
  apply: async (sql, events) => {
    await admitZoneRules(sql);
    for (const recorded of events) await applyOne(sql, recorded);
  },
  tables: [
    'event_people',
    'event_calendars',
    'event_tombstones',
    'event_contents',
    'event_series',
    'user_calendar_events',
    'changes',
    'placement',
    'event_zone_rules',
  ],
  separable,
});
