import { type EventView } from './events.contract.js';

type Instance = Readonly<{ calendar_id: string; provider: EventView['provider']; series: string; original: string }>;

export type EventRow = Instance &
  Readonly<{
    connection_id: string;
    ref: string;
    component: number;
    start_at: Date;
    end_at: Date;
    start_key: string;
    all_day: boolean;
    floating: boolean;
    local_start: string | null;
    local_end: string | null;
    zone: string | null;
    status: EventView['status'];
    busy: EventView['busy'];
    private: boolean;
    recurring: boolean;
    sealed: string;
    /** The same meeting is shown already, in another calendar. */
    hidden: boolean;
    /** The same meeting in other calendars; null when it is in no other. */
    copies: readonly Instance[] | null;
  }>;

/** What overlaps `[start, end)`; without length, what starts in it. */
const inRange = (start: string, end: string): string =>
  `${start} < :to::timestamptz and (${end} > :from::timestamptz or (${end} = ${start} and ${start} >= :from::timestamptz))`;

const wanted = (row: string): string =>
  `(:provider::text is null or ${row}.provider = :provider) and (:calendarId::uuid is null or ${row}.calendar_id = :calendarId)`;

/** Worked out once, and no join: the read stays a scan of one index. */
const visible = (row: string): string =>
  `${row}.calendar_id <> all(coalesce((select array_agg(calendar_id) from event_calendars where user_id = :userId and not visible), '{}'))`;

/** Looked up for copies alone, which most rows do not have. */
const busyOnly = (row: string): string => `coalesce((select busy_only from calendars where calendar_id = ${row}.calendar_id), false)`;

/** What an instance is called in every calendar: in an object that holds several UIDs `_` and a mark of its own follow. Indexed as it is here. */
const nameOf = (row: string): string => `split_part(${row}.original, '_', 1)`;

/**
 * Occurrences that overlap a range, of one provider or calendar where these are not null, after a cursor (the first page starts after `FIRST`). Calendars that the
 * user hid are left out. A meeting that sits in several of the wanted calendars is `hidden` in all but the first of them that is in range, where calendars
 * that tell more than busy times come first; the caller leaves those out. The page is cut first, so that copies are looked for and contents joined for its rows alone, and the look for
 * copies can use no index but theirs (`+ interval`): this holds without statistics, which a table that was filled a second ago does not have.
 */
export const EVENTS_SQL = `
  with page as materialized (
    select e.* from user_calendar_events e
    where e.user_id = :userId and ${inRange('e.start_at', 'e.end_at')} and ${wanted('e')} and ${visible('e')}
      and (e.start_at, e.calendar_id, e.series, e.original) > (:afterStart::timestamptz, :afterCalendar::uuid, :afterSeries::text, :afterOriginal::text)
    order by e.start_at, e.calendar_id, e.series, e.original
    limit :limit)
  select e.calendar_id, e.provider, e.series, e.original, e.ref, e.component, e.start_at, e.end_at, e.start_at::text as start_key,
    e.all_day, e.floating, e.local_start, e.local_end, e.zone, e.status, e.busy, e.private, e.recurring, k.connection_id, c.sealed,
    coalesce(others.hidden, false) as hidden, others.copies
  from page e
    join event_contents c on c.calendar_id = e.calendar_id and c.ref = e.ref
    join event_calendars k on k.calendar_id = e.calendar_id
    cross join lateral (
      select
        bool_or(${inRange("(o.start_at + interval '0')", 'o.end_at')} and ${wanted('o')}
          and (${busyOnly('o')}, o.calendar_id, o.series) < (${busyOnly('e')}, e.calendar_id, e.series)) as hidden,
        json_agg(json_build_object('calendar_id', o.calendar_id, 'provider', o.provider, 'series', o.series, 'original', o.original)
          order by o.calendar_id, o.series) as copies
      from user_calendar_events o
      where o.user_id = :userId and o.copy = e.copy and ${nameOf('o')} = ${nameOf('e')} and ${visible('o')}
        and (o.calendar_id, o.series) <> (e.calendar_id, e.series)) as others
  order by e.start_at, e.calendar_id, e.series, e.original`;

/** Before every occurrence there is. */
export const FIRST = { start: '-infinity', calendarId: '00000000-0000-0000-0000-000000000000', series: '', original: '' };
