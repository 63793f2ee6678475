import { type Span } from '../calendar/calendar-object.js';
import { DAY_SECONDS, FIRST_WALL, formatDate, formatWall, LAST_WALL, wallDay } from './civil.js';
import { type Moment } from './moment.js';

/** One instance in time. */
export type Occurrence = Readonly<{
  /** Index of the component that describes it. */
  component: number;
  /**
   * Which instance of its object it is, also when it was moved: empty for a single event, a full-date for an all-day series, else the
   * original start as an RFC 3339 instant in UTC. Unique within the object: where that holds several UIDs, `_` and the mark of its own follow.
   */
  original: string;
  /** It is an instance of a series. */
  recurring: boolean;
  /** Milliseconds since the epoch, as `end`; days and floating times as the fallback zone's clock has them. */
  start: number;
  end: number;
  allDay: boolean;
  floating: boolean;
  /** All-day: full-dates, the end exclusive. Floating: walls. Else null. */
  localStart: string | null;
  localEnd: string | null;
}>;

/** Milliseconds since the epoch, half-open. */
export type InstantRange = Readonly<{ start: number; end: number }>;

/**
 * Where an instance goes: the component that describes it, the wall it begins at on a clock, and how long it lasts. `startsAt` is its
 * instant where that is known better than from the wall.
 */
export type Placed = Readonly<{ component: number; clock: Moment; wall: number; startsAt: number | null; span: Span }>;

/** Name of an instance of a series; `key` as in `InstanceId`. */
export const originalOf = (series: Moment, key: number): string =>
  series.kind === 'date' ? formatDate(wallDay(key)) : `${formatWall(key)}.000Z`;

/** Something without length happens at its start. */
const overlaps = (start: number, end: number, range: InstantRange): boolean =>
  start === end ? start >= range.start && start < range.end : start < range.end && end > range.start;

/** Days on the wall clock first, then exact seconds. */
const endOf = ({ clock, wall, span }: Placed, startsAt: number): number =>
  (span.days === 0 ? startsAt : clock.zone.instantOf(wall + span.days * DAY_SECONDS)) + span.seconds;

/** What tells an instance from the others of its series, worked out when it is asked for; null for something single. */
type Naming = (() => string) | null;

/** Of the many that a series may have most are only counted: texts are made of those that are asked for them. */
class Located implements Occurrence {
  readonly start: number;
  readonly end: number;

  constructor(
    readonly component: number,
    { start, end }: InstantRange,
    private readonly clock: Moment,
    private readonly walls: readonly [number, number] | null,
    private readonly naming: Naming,
  ) {
    this.start = start;
    this.end = end;
  }

  get original(): string {
    return this.naming?.() ?? '';
  }

  get recurring(): boolean {
    return this.naming !== null;
  }

  get allDay(): boolean {
    return this.clock.kind === 'date';
  }

  get floating(): boolean {
    return this.clock.kind === 'floating';
  }

  get localStart(): string | null {
    return this.walls === null ? null : this.local(this.walls[0]);
  }

  get localEnd(): string | null {
    return this.walls === null ? null : this.local(this.walls[1]);
  }

  private local(wall: number): string {
    return this.allDay ? formatDate(wallDay(wall)) : formatWall(wall);
  }
}

/** An occurrence with everything worked out. */
export const whole = (occurrence: Occurrence): Occurrence => {
  const { component, original, recurring, start, end, allDay, floating, localStart, localEnd } = occurrence;
  return { component, original, recurring, start, end, allDay, floating, localStart, localEnd };
};

/** The occurrence, or null when it lies outside the range. */
export const occurrenceIn = (range: InstantRange, placed: Placed, naming: Naming): Occurrence | null => {
  const { component, clock, wall, span } = placed;
  const allDay = clock.kind === 'date';
  const lastWall = wall + (allDay ? Math.max(1, span.days) * DAY_SECONDS : span.days * DAY_SECONDS + span.seconds);
  const from = Math.max(FIRST_WALL, placed.startsAt ?? clock.zone.instantOf(wall));
  const to = Math.min(LAST_WALL, allDay ? clock.zone.instantOf(lastWall) : Math.max(from, endOf(placed, from)));
  const at = { start: from * 1_000, end: to * 1_000 };
  if (!overlaps(at.start, at.end, range)) return null;
  return new Located(component, at, clock, clock.kind === 'zoned' ? null : [wall, lastWall], naming);
};
