import { type Sql } from '../kernel/sql.js';
import { recordCalendarChanges, type Source } from './changes/changes.rows.js';
import { storedObjects } from './occurrences.rows.js';
import { PLACINGS } from './placement.rows.js';
import { type CalendarRow, CALENDARS, oneOfMany, type Placing, windowOf } from './placement.step.js';
import { amendmentOf } from './placing.rows.js';

/** Series looked up at once. */
const PAGE = 50;

/** How often a series that changes under the worker's hands is begun with again, before the work on the row ends for now. */
const ATTEMPTS = 3;

/** A series that shows more or fewer of its repetitions than it may. `mark` is another once it was placed or read again. */
type Unlike = Readonly<{ series: string; share: number; placed_at: Date; mark: string }>;

const UNLIKE = `
  select s.series, s.share, s.placed_at, concat_ws(' ', s.xmin, k.share, k.zone,
    (select max(generation) from event_contents c where c.calendar_id = s.calendar_id and c.series = s.series)) as mark
  from event_series s join (${CALENDARS}) k using (calendar_id)
  where s.share <> k.share and s.repetitions > least(s.share, k.share)`;

type Target = Readonly<{ placing: Placing; calendarId: string }>;

const unlikeAfter = ({ placing: { database, row }, calendarId }: Target, after: string): Promise<readonly Unlike[]> =>
  database.query<Unlike>(`${UNLIKE} and s.series > $3 order by s.series limit ${PAGE}`, [row.user_id, calendarId, after]);

const unlikeOf = async (sql: Sql, { placing: { row }, calendarId }: Target, series: string): Promise<Unlike | null> =>
  (await sql.query<Unlike>(`${UNLIKE} and s.series = $3`, [row.user_id, calendarId, series]))[0] ?? null;

/** Amends a series, a little in each transaction; false when it was placed or read again meanwhile. */
const amend = async (target: Target, { series, share, placed_at, mark }: Unlike): Promise<boolean> => {
  const { placing, calendarId } = target;
  const { database, row } = placing;
  // Read after the mark: what has changed in between shows in the mark that is read next.
  const [calendar] = await database.query<CalendarRow>(CALENDARS, [row.user_id, calendarId]);
  if (calendar === undefined) return false;
  const now = placed_at.getTime();
  const objects = await storedObjects(database, calendarId, [series]);
  const { parts, end } = amendmentOf(calendar, { series, objects, now }, windowOf(calendar, now));
  const write = (work: (sql: Sql, source: Source) => Promise<void>): Promise<boolean> =>
    oneOfMany(placing, async (sql, source) => {
      if ((await unlikeOf(sql, target, series))?.mark !== mark) return false;
      await work(sql, source);
      return true;
    });
  // A series that shows too many has all that it may show.
  for (const part of share < calendar.share ? parts : []) if (!(await write(part))) return false;
  const isTold = PLACINGS[row.reason].tells === 'events' && calendar.whole && calendar.visible;
  return write(async (sql, source) => {
    await end(sql);
    if (isTold) await recordCalendarChanges(sql, source, 'calendar-changed', [calendarId]);
  });
};

/** Once and again, until it is done or like the others; false when it keeps changing. */
const settle = async (target: Target, found: Unlike): Promise<boolean> => {
  let unlike: Unlike | null = found;
  for (let attempt = 0; attempt < ATTEMPTS && unlike !== null; attempt += 1) {
    if (await amend(target, unlike)) return true;
    unlike = await unlikeOf(target.placing.database, target, found.series);
  }
  return unlike === null;
};

/**
 * Lets each series of a calendar show as many of its repetitions as it may, no more and no fewer, nearest to the time by which it was placed.
 * Answers false when some of them changed again and again meanwhile, and are left.
 */
export const shareOut = async (target: Target): Promise<boolean> => {
  let isDone = true;
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: readonly Unlike[] = await unlikeAfter(target, after);
    for (const unlike of page) if (!(await settle(target, unlike))) isDone = false;
    after = page.at(-1)?.series;
  }
  return isDone;
};
