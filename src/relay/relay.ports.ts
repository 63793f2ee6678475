import { type Publisher } from '../kernel/broker.js';
import { type Position } from '../kernel/event-store.js';
import { type Sql } from '../kernel/sql.js';
import { type ToldEvent } from '../merged-events/told-event.js';

/** Where followers publish to. `onPublished`: how many messages of a topic the broker has acknowledged. */
export type Publishing = Readonly<{ publisher: Pick<Publisher, 'publish'>; onPublished: (topic: string, count: number) => void }>;

/** A calendar, and whose it is. */
export type Owned = Readonly<{ userId: string; calendarId: string }>;

/** The merged calendar, as the relay reads it. */
export type MergedCalendar = Readonly<{
  /** The place in the log up to which its changes are told; null before its first event. */
  end: () => Promise<Position | null>;
  /** Which building of it the changes now told belong to; null: the first one. */
  building: () => Promise<string | null>;
  /** The building a follower has told whole, and has followed since. */
  followed: (follower: string) => Promise<string | null>;
  /** Notes that a follower has told a building whole. */
  follow: (sql: Sql, follower: string, building: string | null) => Promise<void>;
  /** Every calendar that can be read and is shown. */
  calendars: () => AsyncIterable<readonly Owned[]>;
  /** The events of a calendar as they are now, page by page; none of one that cannot be read or is hidden. */
  events: (calendarId: string) => AsyncIterable<readonly ToldEvent[]>;
}>;
