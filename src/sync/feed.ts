import { type CustomZones, type EventType, type Timing } from '../calendar/calendar-object.js';
import { type TimeRange } from '../kernel/time-range.js';

/** One component as the feed carries it; `copy` marks the same meeting in other calendars of the same person. */
export type FeedComponent = Timing & Readonly<{ copy: string }>;

/**
 * The present form of one remote object. `ref` and `series` are keyed hashes of remote ids, `hash` of the content; `changed` is false when a
 * new generation only repeats what was known. `sealed` opens to the contents of the components, in their order.
 */
export type Upsert = Readonly<{
  ref: string;
  series: string;
  changed: boolean;
  hash: string;
  components: readonly FeedComponent[];
  zones: CustomZones;
  eventType: EventType;
  /** The id of our meeting that the object is a copy of; null when it is none of ours. */
  meeting: string | null;
  /** Codes of what of the object makes no sense and is left out, as of the last change of its content (`CalendarObject.problems`). */
  problems: readonly string[];
  sealed: string;
}>;

/** A part of a calendar's content: what came, changed and went since the part before. `final`: nothing older than this generation is left. */
export type DeltaSynced = Readonly<{
  type: 'DeltaSynced';
  calendarId: string;
  userId: string;
  generation: number;
  window: TimeRange;
  upserts: readonly Upsert[];
  removals: readonly string[];
  /** Listed but not readable now: what is known of them stays, in every generation. */
  kept: readonly string[];
  final: boolean;
  at: string;
}>;

/** First part of the stream name `feed-<calendarId>`; permanent. */
export const FEED = 'feed';
