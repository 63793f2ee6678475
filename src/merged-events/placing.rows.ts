import { MOST_OF_OBJECT } from '../time/nearest.js';
import { keptFrom } from './retention.js';
import { instant } from '../kernel/clock.js';
import { type Sql } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Shown } from './changes/changes.js';
import { takeOut } from './changes/changes.rows.js';
import { counted, type OccurrenceRow, type PlacedSeries, rowsOf, type StoredObject } from './placed-series.js';
import { insertRows, type Owner } from './occurrences.rows.js';
import { placeLater } from './placement.rows.js';
import { shareFor, SHARES, type Totals } from './share.js';

/**
 * Repetitions of a series that are placed at once, those nearest to its time: every day of more than a year. Everybody's changes wait meanwhile, so
 * a worker places the others little by little.
 */
export const AT_ONCE = 500;

/** Occurrences after which a slice ends: less than a tenth of a second of expanding and writing. */
const ROWS = 250;

/** Series of a slice: their names go into one statement. */
const SERIES = 500;

/** A calendar whose series are placed: in which zone, how many repetitions each of them may have, and whether focus time counts as busy. */
export type PlacedCalendar = Owner & Readonly<{ zone: string; share: number; focusTimeIsBusy: boolean }>;

/** A series to be placed; `now` (milliseconds since the epoch) is what it keeps the nearest occurrences to. */
export type ToPlace = Readonly<{ series: string; objects: readonly StoredObject[]; now: number }>;

/** What a slice of series was, and is now. */
export type Slice = Readonly<{
  series: readonly string[];
  before: readonly Shown[];
  after: readonly OccurrenceRow[];
  unexpandable: ReadonlyMap<string, string>;
  /** Some of them have more repetitions than they may show. */
  shortened: boolean;
}>;

type SeriesRow = Readonly<{ s: string; n: number; h: number; p: string; e: string; a: string | null; f: string | null; u: string | null }>;

const INSERT = `
  insert into event_series (calendar_id, series, repetitions, share, placed_at, ends_at, shortened_at, known_from, known_until)
  select $1, s, n, h, p, e, a, f, u
  from json_to_recordset($2::json) as fresh(s text, n int, h int, p timestamptz, e timestamptz, a timestamptz, f timestamptz, u timestamptz)`;

const seriesRow = ({ series, now }: ToPlace, placed: PlacedSeries, share: number): readonly SeriesRow[] => {
  const { repetitions, endsAt, kept, takesTime } = placed;
  if (repetitions === 0) return [];
  const [from, until] = takesTime && kept !== null ? [kept.from, kept.until] : [null, null];
  const told = (at: number | null): string | null => (at === null ? null : instant(at));
  return [
    {
      s: series,
      n: repetitions,
      h: share,
      p: instant(now),
      e: instant(endsAt),
      a: kept === null ? null : instant(now),
      f: told(from),
      u: told(until),
    },
  ];
};

const countSeries = async (sql: Sql, calendarId: string, series: readonly string[], counted: readonly SeriesRow[]): Promise<void> => {
  await sql.query('delete from event_series where calendar_id = $1 and series = any($2)', [calendarId, series]);
  if (counted.length > 0) await sql.query(INSERT, [calendarId, JSON.stringify(counted)]);
};

const placedIn = ({ objects, now }: ToPlace, window: TimeRange, { zone, share, focusTimeIsBusy }: PlacedCalendar): PlacedSeries =>
  rowsOf(
    objects.map((object) => counted(object, focusTimeIsBusy)),
    window,
    zone,
    { now, most: MOST_OF_OBJECT, shown: share },
  );

const KEEP = 'delete from user_calendar_events where calendar_id = $1 and series = $2 and original <> all($3)';

/**
 * What is to be written of a series that shows more or fewer of its repetitions than it may: what it lacks, a little at a time, and then what it
 * has too much of, and how much of it there is.
 */
export const amendmentOf = (calendar: PlacedCalendar, each: ToPlace, window: TimeRange) => {
  const placed = placedIn(each, window, calendar);
  const parts = Array.from({ length: Math.ceil(placed.rows.length / ROWS) }, (_, index) =>
    placed.rows.slice(index * ROWS, (index + 1) * ROWS),
  );
  return {
    parts: parts.map((rows) => (sql: Sql) => insertRows(sql, calendar, rows)),
    end: async (sql: Sql) => {
      await sql.query(KEEP, [calendar.calendar_id, each.series, placed.rows.map(({ original }) => original)]);
      await countSeries(sql, calendar.calendar_id, [each.series], seriesRow(each, placed, calendar.share));
    },
  };
};

const placeSlice = async (sql: Sql, calendar: PlacedCalendar, toPlace: readonly ToPlace[], window: TimeRange): Promise<Slice> => {
  const after: OccurrenceRow[] = [];
  const counted: SeriesRow[] = [];
  const series: string[] = [];
  const unexpandable = new Map<string, string>();
  for (const each of toPlace.slice(0, SERIES)) {
    const placed = placedIn(each, window, calendar);
    if (placed.unexpandable !== null) unexpandable.set(each.series, placed.unexpandable);
    for (const row of placed.rows) after.push(row);
    counted.push(...seriesRow(each, placed, calendar.share));
    series.push(each.series);
    if (after.length >= ROWS) break;
  }
  const before = await takeOut(sql, calendar.calendar_id, series);
  await insertRows(sql, calendar, after);
  await countSeries(sql, calendar.calendar_id, series, counted);
  return { series, before, after, unexpandable, shortened: counted.some(({ n }) => n > calendar.share) };
};

/** Places series slice by slice, so that neither much is held at once nor the loop for long. */
export const placeSlices = async function* (
  sql: Sql,
  calendar: PlacedCalendar,
  toPlace: readonly ToPlace[],
  window: TimeRange,
): AsyncGenerator<Slice, void> {
  for (let done = 0; done < toPlace.length;) {
    const slice = await placeSlice(sql, calendar, toPlace.slice(done), window);
    done += slice.series.length;
    yield slice;
  }
};

const TOTALS = `
  select each.share, coalesce(sum(least(repetitions, each.share)), 0) as total
  from unnest($2::int[]) as each(share) left join event_series on calendar_id = $1 and ends_at >= $3 group by each.share`;

/**
 * Works out what each series of a calendar may hold, from the counts that are stored of them; another share than before is a reason to place those
 * again that hold more, or may hold more. What ended before it would be kept is not counted, whether it was removed yet or not.
 */
export const adjustShare = async (sql: Sql, { calendar_id, user_id, share }: PlacedCalendar, at: string): Promise<void> => {
  const totals = async (shares: readonly number[]): Promise<Totals> => {
    const rows = await sql.query<{ share: number; total: string }>(TOTALS, [calendar_id, shares, instant(keptFrom(Date.parse(at)))]);
    return new Map(rows.map((row) => [row.share, Number(row.total)]));
  };
  // Nearly every calendar holds all it has: that is found out with one sum.
  const whole = await totals([MOST_OF_OBJECT]);
  const fitting = shareFor(whole) === MOST_OF_OBJECT ? MOST_OF_OBJECT : shareFor(await totals(SHARES));
  if (fitting === share) return;
  await sql.query('update event_calendars set share = $2 where calendar_id = $1', [calendar_id, fitting]);
  await placeLater(sql, { userId: user_id, at }, { reason: 'share', calendarId: calendar_id });
};
