import { type Publisher } from '../kernel/broker.js';
import { type Position } from '../kernel/event-store.js';
import { type Sql } from '../kernel/sql.js';
import { type PersonalChange } from '../merged-events/changes/change-row.js';
import { type ToldRow } from '../merged-events/told-event.js';

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
  /** The events of a calendar behind one of them, as they are now and at most so many; null of one that cannot be read or is hidden. */
  page: (calendarId: string, after: Pick<ToldRow, 'series' | 'original'>, most: number) => Promise<readonly ToldRow[] | null>;
  /** The changes of a calendar that are kept, behind a place and up to a place in the log, in order and at most so many. */
  changesOf: (
    calendar: Owned,
    after: Readonly<{ position: Position; part: number }>,
    to: Readonly<{ until: Position; most: number }>,
  ) => Promise<readonly PersonalChange[]>;
}>;
