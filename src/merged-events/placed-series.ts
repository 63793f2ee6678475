import { countedAs } from '../calendar/busy.js';
import { type CustomZones, type When } from '../calendar/calendar-object.js';
import { type FeedComponent } from '../sync/feed.js';
import { type Occurrence } from '../time/occurrence.js';
import { type Share } from '../time/nearest.js';
import { expand, type Kept } from '../time/recurrence.js';
import { isIanaZone } from '../time/time-zone.js';
import { instant } from '../kernel/clock.js';
import { type TimeRange } from '../kernel/time-range.js';

/** An object as `event_contents` keeps it. */
export type StoredObject = Readonly<{
  ref: string;
  series: string;
  generation: number;
  components: readonly FeedComponent[];
  zones: CustomZones;
  isFocusTime: boolean;
}>;

/** An object whose components count as its owner wants them to. */
export const counted = (object: StoredObject, focusTimeIsBusy: boolean): StoredObject => ({
  ...object,
  components: object.components.map((component) => ({
    ...component,
    busy: countedAs(component.busy, { isFocusTime: object.isFocusTime, focusTimeIsBusy }),
  })),
});

/** One row of `user_calendar_events`, but for the columns all rows of a calendar share. */
export type OccurrenceRow = Readonly<{
  series: string;
  original: string;
  ref: string;
  component: number;
  generation: number;
  start: string;
  end: string;
  allDay: boolean;
  floating: boolean;
  localStart: string | null;
  localEnd: string | null;
  zone: string | null;
  status: string;
  busy: string;
  private: boolean;
  recurring: boolean;
  copy: string;
}>;

const zoneOf = ({ start }: FeedComponent, fallback: string): string =>
  'zone' in start && start.zone !== null && !start.zone.startsWith('custom:') ? start.zone : fallback;

const namesPlace = (when: When | null): boolean =>
  when === null || ('zone' in when && when.zone !== null && (when.zone === 'UTC' || isIanaZone(when.zone)));

/** Whether the zone that is assumed (the calendar's, its owner's) shows in an object's rows: something in it is a day, floats or is in no known place. */
export const isUnplaced = (components: readonly FeedComponent[]): boolean =>
  components.some(
    ({ start, recurrenceId, rdates, exdates }) => ![start, recurrenceId, ...rdates.map((each) => each.start), ...exdates].every(namesPlace),
  );

/** A component, and where in which object it is. */
type Part = Readonly<{ object: StoredObject; index: number; component: FeedComponent }>;

const rowOf = (occurrence: Occurrence, { object, index, component }: Part, generation: number, fallbackZone: string): OccurrenceRow => ({
  series: object.series,
  original: occurrence.original,
  ref: object.ref,
  component: index,
  generation,
  start: instant(occurrence.start),
  end: instant(occurrence.end),
  allDay: occurrence.allDay,
  floating: occurrence.floating,
  localStart: occurrence.localStart,
  localEnd: occurrence.localEnd,
  zone: zoneOf(component, fallbackZone),
  status: component.status,
  busy: component.busy,
  private: component.private,
  recurring: occurrence.recurring,
  copy: component.copy,
});

/** Overrides that are stored apart from their master belong to its expansion: masters first, each component remembering its object. */
const joined = (objects: readonly StoredObject[]): readonly Part[] =>
  objects
    .flatMap((object) => object.components.map((component, index) => ({ object, index, component })))
    .sort((a, b) => Number(a.component.recurrenceId !== null) - Number(b.component.recurrenceId !== null));

/** What is stored apart from its series is named as part of it, also when it has another UID. */
const described = (parts: readonly Part[]): readonly FeedComponent[] => {
  const [series, ...others] = parts.filter(({ component }) => component.recurrenceId === null);
  const whole = others.length === 0 ? series : undefined;
  return parts.map(({ object, component }) =>
    whole === undefined || object === whole.object ? component : { ...component, copy: whole.component.copy },
  );
};

/** The rows of one series, or why it cannot be expanded. */
export type PlacedSeries = Readonly<{
  rows: readonly OccurrenceRow[];
  unexpandable: string | null;
  /** How many of its occurrences are repetitions, shown or not, within the bound. */
  repetitions: number;
  /** When the last of the rows ends, in milliseconds since the epoch; 0 without any. */
  endsAt: number;
  /** Where all of it is shown; null when nothing is missing. */
  kept: Kept | null;
  /** Some of it counts when somebody looks for a free slot. */
  takesTime: boolean;
}>;

const NOTHING: PlacedSeries = { rows: [], unexpandable: null, repetitions: 0, endsAt: 0, kept: null, takesTime: false };

/** Without a bound all of a series is placed. */
const ALL: Share = { now: 0, most: Infinity };

/** The rows of one series inside the window, from all objects that are part of it; of more than the bound admits those nearest to its `now`. */
export const rowsOf = (objects: readonly StoredObject[], window: TimeRange, fallbackZone: string, bound: Share = ALL): PlacedSeries => {
  const parts = joined(objects);
  const zones: CustomZones = Object.assign({}, ...objects.map((object) => object.zones)) as CustomZones;
  const range = { start: Date.parse(window.start), end: Date.parse(window.end) };
  const expansion = expand(described(parts), zones, range, fallbackZone, bound);
  if ('unexpandable' in expansion) return { ...NOTHING, unexpandable: expansion.unexpandable };
  const generation = objects.reduce((latest, object) => Math.max(latest, object.generation), 0);
  const { occurrences, repetitions, kept } = expansion;
  const rows = occurrences.flatMap((occurrence) => {
    const part = parts[occurrence.component];
    return part === undefined ? [] : [rowOf(occurrence, part, generation, fallbackZone)];
  });
  return {
    rows,
    unexpandable: null,
    repetitions,
    endsAt: occurrences.reduce((last, { end }) => Math.max(last, end), 0),
    kept,
    takesTime: parts.some(({ component }) => component.busy !== 'free'),
  };
};
