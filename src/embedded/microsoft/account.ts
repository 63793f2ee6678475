import { type GraphBody } from './event.js';

/** What a person may do with a calendar (`calendarPermission.role`), without the roles that differ only in what delegates are sent. */
export type SharingRole = 'owner' | 'write' | 'read' | 'limitedRead' | 'freeBusyRead';

/** A calendar as it is when it is made. */
export type MicrosoftCalendarStart = Readonly<{
  id: string;
  name: string;
  /** Whose mailbox it is in. */
  owner: Readonly<{ name: string; address: string }>;
  /** One of the preset colours, and what it looks like (`#rrggbb`); without one the calendar is `auto`. */
  color?: Readonly<{ name: string; hex: string }> | undefined;
  /** False for calendars that are filled in by Outlook itself: holidays and birthdays. */
  editable?: boolean | undefined;
  /** Events without an id get one. */
  events?: readonly GraphBody[] | undefined;
}>;

/** On whose list a calendar stands, and what they may do with it. The first calendar of one's own is the default one. */
export type ListedCalendar = Readonly<{
  calendar: string;
  role: SharingRole;
  /** What it is called on this list. */
  name?: string | undefined;
}>;

export type MicrosoftPerson = Readonly<{
  email: string;
  fullName: string;
  /** Id of the tenant; `PERSONAL_TENANT` for a personal account. */
  tenant: string;
  /** Windows name. */
  timeZone: string;
  /** False: an account without a mailbox in the cloud. */
  mailbox?: boolean | undefined;
  /** Their administrator alone may let an application in. */
  needsAdmin?: boolean | undefined;
  list: readonly ListedCalendar[];
}>;

/** Everybody and everything there is when the simulator starts. */
export type MicrosoftStart = Readonly<{ people: readonly MicrosoftPerson[]; calendars: readonly MicrosoftCalendarStart[] }>;

/** The tenant of all personal accounts. */
export const PERSONAL_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';
