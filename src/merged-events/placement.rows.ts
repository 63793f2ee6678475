import { type Sql } from '../kernel/sql.js';
import { type PreferenceEvent } from '../preference/preference.js';
import { type Source } from './changes/changes.rows.js';

/**
 * Why series have to be placed again; stored, so permanent. `zone-chosen`: its owner chose a zone for what names none of its own; `focus-chosen`: its
 * owner chose whether focus time counts as busy; `zone-rules`: the rules of its zone changed; `share`: a series shows more or fewer of its repetitions
 * than it may. The worker corrects the last for every reason, so `share` itself concerns no other series. A new reason names its series, and how their
 * changes are told, in `PLACINGS`.
 */
export type PlacingReason = 'zone-chosen' | 'focus-chosen' | 'zone-rules' | 'share';

/** Which series of a calendar a reason concerns, as a condition on `event_contents c`, and how readers of the change feed learn of it. */
export type Placing = Readonly<{
  series: string | null;
  /** `calendar`: read it again, once all are placed. `events`: exactly the occurrences that moved, page by page. */
  tells: 'calendar' | 'events';
}>;

export const PLACINGS: Readonly<Record<PlacingReason, Placing>> = {
  // An instance of a floating series is named by its start: another zone gives it another name, so no difference would say what became of it.
  'zone-chosen': { series: 'c.unplaced', tells: 'calendar' },
  'focus-chosen': { series: 'c.focus_time', tells: 'events' },
  'zone-rules': {
    series: `(c.unplaced or c.timings::text ~* (select p.zones from placement p where p.name = 'zone-rules ' || c.calendar_id))`,
    tells: 'events',
  },
  share: {
    series: null,
    tells: 'calendar',
  },
};

/** A claimed row of `placement`. */
export type PlacementRow = Readonly<{
  name: string;
  user_id: string;
  calendar_id: string | null;
  reason: PlacingReason;
  at: Date;
  asked: number;
}>;

/** What a fact asks to have placed again: all of one calendar that the reason concerns, or of every calendar of the person that names no zone. */
export type Asked = Readonly<{ reason: PlacingReason; calendarId: string | null }>;

/**
 * Leaves a due row for the worker that places; one that waits already takes the newer fact's time, and one that was set aside is tried again. Due at the time of the fact, because a
 * projection knows no other.
 */
export const placeLater = async (sql: Sql, { userId, at }: Pick<Source, 'userId' | 'at'>, { reason, calendarId }: Asked): Promise<void> => {
  await sql.query(
    `insert into placement (name, user_id, calendar_id, reason, at, due_at) values ($1, $2, $3, $4, $5, $5)
     on conflict (name) do update set at = greatest(placement.at, excluded.at), asked = placement.asked + 1,
       due_at = case when placement.set_aside is null then placement.due_at else excluded.due_at end`,
    [`${reason} ${calendarId ?? userId}`, userId, calendarId, reason, at],
  );
  await sql.query('notify placement');
};

type PersonRow = Readonly<{ time_zone: string | null; focus_time_is_busy: boolean }>;

/** Takes note of what somebody chose, and answers what of it they had chosen otherwise before. */
const noted = async (
  sql: Sql,
  { userId, timeZone, focusTimeIsBusy }: PreferenceEvent,
): Promise<Readonly<{ zone: boolean; focus: boolean }>> => {
  const [before] = await sql.query<PersonRow>('select time_zone, focus_time_is_busy from event_people where user_id = $1', [userId]);
  const differs = { zone: (before?.time_zone ?? null) !== timeZone, focus: (before?.focus_time_is_busy ?? true) !== focusTimeIsBusy };
  if (differs.zone || differs.focus)
    await sql.query(
      `insert into event_people (user_id, time_zone, focus_time_is_busy) values ($1, $2, $3)
       on conflict (user_id) do update set time_zone = excluded.time_zone, focus_time_is_busy = excluded.focus_time_is_busy`,
      [userId, timeZone, focusTimeIsBusy],
    );
  return differs;
};

/** The calendars of a person that hold an object (`c`) for which a condition holds; it may name the calendar (`k`). */
const holding = async (sql: Sql, userId: string, condition: string): Promise<readonly string[]> => {
  const rows = await sql.query<{ calendar_id: string }>(
    `select k.calendar_id from event_calendars k where k.user_id = $1 and exists (
       select 1 from event_contents c where c.calendar_id = k.calendar_id and ${condition}) order by k.calendar_id`,
    [userId],
  );
  return rows.map(({ calendar_id }) => calendar_id);
};

/**
 * What no zone of its own places (days, floating times) is placed by the zone somebody chose, in those of their calendars that have none either, and
 * focus time counts as they chose: what is read from now on at once, what is there already by a worker, however often they change their mind meanwhile.
 */
export const prefer = async (sql: Sql, event: PreferenceEvent): Promise<void> => {
  const { zone, focus } = await noted(sql, event);
  const unplaced = zone ? await holding(sql, event.userId, `k.time_zone is null and ${PLACINGS['zone-chosen'].series}`) : [];
  if (unplaced.length > 0) await placeLater(sql, event, { reason: 'zone-chosen', calendarId: null });
  const focused = focus ? await holding(sql, event.userId, `${PLACINGS['focus-chosen'].series}`) : [];
  for (const calendarId of focused) await placeLater(sql, event, { reason: 'focus-chosen', calendarId });
};

/** Takes note of the zone a calendar names from now on: what is there already and names none of its own is placed by a worker. */
export const nameZone = async (
  sql: Sql,
  calendarId: string,
  { timeZone, at }: Readonly<{ timeZone: string | null; at: string }>,
): Promise<void> => {
  const [renamed] = await sql.query<{ user_id: string; concerned: boolean }>(
    `update event_calendars k set time_zone = $2 from event_calendars before
     where k.calendar_id = $1 and before.calendar_id = $1 and before.time_zone is distinct from $2
     returning k.user_id, exists (select 1 from event_contents c where c.calendar_id = $1 and ${PLACINGS['zone-chosen'].series}) as concerned`,
    [calendarId, timeZone],
  );
  if (renamed?.concerned === true) await placeLater(sql, { userId: renamed.user_id, at }, { reason: 'zone-chosen', calendarId });
};
