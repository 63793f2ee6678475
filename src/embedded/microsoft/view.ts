import { type ListedCalendar } from './account.js';
import { type GraphCalendar, type Person } from './mailboxes.js';
import { type Preferences } from './preferences.js';

/** Whose eyes an event is shown to, and how they asked. `basic`: without bodies, as Calendars.ReadBasic opens it. */
export type View = Readonly<{
  calendar: GraphCalendar;
  person: Person;
  entry: ListedCalendar;
  prefer: Preferences;
  origin: string;
  basic: boolean;
}>;
