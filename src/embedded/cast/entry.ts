/** A wall clock (seconds, see `time/civil.ts`) in a zone, floating (`null`), or a whole day. */
export type EntryTime = Readonly<{ wall: number; zone: string | null }> | Readonly<{ day: number }>;

export type CastPerson = Readonly<{ name: string; email: string }>;

export type EntryResponse = 'accepted' | 'declined' | 'tentative' | 'needs-action';

/** One event of an entry, in the words of no provider. */
export type EntryEvent = Readonly<{
  title: string;
  start: EntryTime;
  end: EntryTime;
  location?: string;
  description?: string;
  /** An RRULE value (RFC 5545) without the property's name. */
  rule?: string;
  excluded?: readonly EntryTime[];
  /** The instance this one replaces. */
  instance?: EntryTime;
  status?: 'tentative' | 'cancelled';
  /** Blocks no time. */
  free?: boolean;
  private?: boolean;
  organizer?: CastPerson;
  attendees?: readonly (CastPerson & Readonly<{ response: EntryResponse }>)[];
  sequence?: number;
  /** Providers without such a kind show an ordinary event. */
  kind?: 'focus-time' | 'birthday';
}>;

/** A single event, or a series with its overrides. `key`: its name within a calendar, the same in every calendar that holds a copy. */
export type Entry = Readonly<{ key: string; events: readonly EntryEvent[] }>;

/** The iCalendar UID of an entry: the same for every copy, whichever provider keeps it. */
export const uidOf = ({ key }: Entry): string => `${key}@sandbox.example`;
