import { type EventBody } from './event.js';

export type AccessRole = 'freeBusyReader' | 'reader' | 'writerWithoutPrivateAccess' | 'writer' | 'owner';

/** A calendar as it is when it is made. */
export type GoogleCalendarStart = Readonly<{
  /** An address; the primary calendar's is its owner's. */
  id: string;
  summary: string;
  description?: string | undefined;
  /** IANA name. */
  timeZone: string;
  /** `#rrggbb`. */
  color?: string | undefined;
  /** Whether `events.watch` takes it; holidays and birthdays it does not. */
  watchable?: boolean | undefined;
  /** Events without an id get one. */
  events?: readonly EventBody[] | undefined;
}>;

/** On whose list a calendar stands, and what they may do with it. */
export type ListedCalendar = Readonly<{
  calendar: string;
  accessRole: AccessRole;
  primary?: boolean | undefined;
  hidden?: boolean | undefined;
  selected?: boolean | undefined;
  summaryOverride?: string | undefined;
}>;

export type GooglePerson = Readonly<{ email: string; fullName: string; list: readonly ListedCalendar[] }>;

/** Everybody and everything there is when the simulator starts. */
export type GoogleStart = Readonly<{ people: readonly GooglePerson[]; calendars: readonly GoogleCalendarStart[] }>;
