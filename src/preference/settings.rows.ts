import { createHash } from 'node:crypto';
import { type Mode, type Privacy } from '../calendar/calendar.js';
import { type ProviderName } from '../provider/names.js';
import { type Chosen } from '../calendar/choose.js';
import { type Sql } from '../kernel/sql.js';
import { type CalendarPreference, DEFAULT_PREFERENCE, type ExternalChanges } from './preference.js';

/** A row of `calendars`, as far as it is about settings. */
export type CalendarRow = Readonly<{
  calendar_id: string;
  connection_id: string;
  provider: ProviderName;
  status: 'listed' | 'adopted';
  mode: Mode;
  privacy: Privacy;
  visible: boolean;
  writable: boolean;
  sealed: string;
}>;

export const calendarRows = (sql: Sql, userId: string): Promise<readonly CalendarRow[]> =>
  sql.query<CalendarRow>('select * from calendars where user_id = $1 order by calendar_id', [userId]);

/** What a person chose, and the revision of the stream that says so; -1n while there is none. */
export type PreferenceSeen = Readonly<{ preference: CalendarPreference; revision: bigint }>;

type PreferenceRow = Readonly<{
  revision: string;
  time_zone: string | null;
  tentative_is_busy: boolean;
  focus_time_is_busy: boolean;
  external_changes: ExternalChanges;
  sealed: string | null;
}>;

/** What a person chose, or the defaults. */
export const preferenceOf = async (sql: Sql, userId: string): Promise<PreferenceSeen> => {
  const [row] = await sql.query<PreferenceRow>('select * from preferences where user_id = $1', [userId]);
  if (row === undefined) return { preference: DEFAULT_PREFERENCE, revision: -1n };
  const { time_zone: timeZone, tentative_is_busy: tentativeIsBusy, focus_time_is_busy: focusTimeIsBusy, sealed } = row;
  const preference = { timeZone, tentativeIsBusy, focusTimeIsBusy, externalChanges: row.external_changes, sealed };
  return { preference, revision: BigInt(row.revision) };
};

/**
 * The entity tag of somebody's settings: it changes when a choice does, each of which moves the revision of the person's own stream, and when a
 * calendar comes or the account changes one. The calendars come in any order.
 */
export const settingsTag = (calendars: readonly Chosen[], revision: bigint): string => {
  const chosen = calendars.map(({ calendarId, adopted, mode, privacy, visible }) => [calendarId, adopted, mode, privacy, visible].join());
  const whole = JSON.stringify([chosen.sort(), String(revision)]);
  return `"${createHash('sha256').update(whole).digest('base64url').slice(0, 22)}"`;
};
