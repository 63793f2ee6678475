import { type CustomZones, type Timing } from '../calendar/calendar-object.js';
import { momentOf, type Zones, zonesFor } from './moment.js';
import { type Bound, type Found, keepNearest, NOTHING_FOUND, type Share, together } from './nearest.js';
import { type InstantRange, type Occurrence, occurrenceIn, whole } from './occurrence.js';
import { Unexpandable } from './rrule.js';
import { foundOf } from './series-search.js';
import { type Series, seriesOf } from './series.js';

/** Where no more than what is nearest to now is kept, the span in which all is there, in milliseconds since the epoch; null: no end. */
export type Kept = Readonly<{ from: number | null; until: number | null }>;

/**
 * The occurrences, in order of their start, or the stable code of the reason why there are none. `repetitions`: how many of series
 * there are within the bound, shown or not; `kept` is null when nothing is missing.
 */
export type Expansion =
  | Readonly<{ occurrences: readonly Occurrence[]; repetitions: number; kept: Kept | null }>
  | Readonly<{ unexpandable: string }>;

/** Bounds one object by work and not by time, so that every replay ends alike; a few hundredths of a second. */
const STEPS = 300_000;

const ALL: Bound = { now: 0, most: Infinity };

const singleOccurrence = (component: number, timing: Timing, range: InstantRange, zones: Zones): readonly Occurrence[] => {
  const clock = momentOf(timing.start, zones);
  const placed = { component, clock, wall: clock.wall, startsAt: null, span: timing.span };
  const occurrence = timing.status === 'cancelled' ? null : occurrenceIn(range, placed, null);
  return occurrence === null ? [] : [occurrence];
};

const isSingle = ({ recurrenceId, rules, rdates, exdates }: Timing): boolean =>
  recurrenceId === null && rules.length + rdates.length + exdates.length === 0;

const orphan = (components: readonly Timing[], index: number, zones: Zones): Series | null => seriesOf(components, index, [index], zones);

/** `copy` is the same for a series and the changes made to it; a resource may hold several series. */
type Described = Timing & Readonly<{ copy?: string }>;

/** Overrides belong to the master of their UID; without one each stands for itself (an invitation to one instance). */
const allSeries = (components: readonly Described[], zones: Zones): readonly Series[] => {
  const indexes = components.map((_, index) => index);
  const masters = indexes.filter((index) => components[index]?.recurrenceId === null);
  const overriding = indexes.filter((index) => components[index]?.recurrenceId !== null);
  const masterOf = (index: number): number | undefined => masters.find((master) => components[master]?.copy === components[index]?.copy);
  const whole = masters.map((master) =>
    seriesOf(
      components,
      master,
      overriding.filter((index) => masterOf(index) === master),
      zones,
    ),
  );
  const orphans = overriding.filter((index) => masterOf(index) === undefined).map((index) => orphan(components, index, zones));
  return [...whole, ...orphans].filter((each) => each !== null);
};

/** An object as its parts are looked for: what its components are, in which range, and how much of it is kept. */
type Asked = Readonly<{ components: readonly Described[]; zones: Zones; range: InstantRange; bound: Bound }>;

/** What each UID of an object takes place at, its instances told apart from those of the others, which may be at the same time. */
const apart = ({ components, zones, range }: Asked, series: Series, found: Found): Found => {
  const { component, timing, overrides } = series;
  const named = (each: Occurrence): Occurrence => ({ ...whole(each), original: `${each.original}_${components[component]?.copy ?? ''}` });
  if (isSingle(timing) && overrides.size === 0)
    return { ...NOTHING_FOUND, single: singleOccurrence(component, timing, range, zones).map(named) };
  return { ...found, explicit: found.explicit.map(named), generated: found.generated.map(named) };
};

/** Of occurrences that go by one name the first; what was changed one by one comes before what rules say. */
const firstOfEach = (found: Found): Found => {
  const names = new Set<string>();
  const unseen = ({ original }: Occurrence): boolean => !names.has(original) && names.add(original).size > 0;
  const [single, explicit] = [found.single.filter(unseen), found.explicit.filter(unseen)];
  return { ...found, single, explicit, generated: found.generated.filter(unseen) };
};

const foundIn = (asked: Asked): Found => {
  const { components, zones, range, bound } = asked;
  const [only] = components;
  if (components.length === 1 && only !== undefined && isSingle(only))
    return { ...NOTHING_FOUND, single: singleOccurrence(0, only, range, zones) };
  const budget = { left: STEPS };
  const all = allSeries(components, zones);
  // RFC 4791 4.1 wants one UID in a resource; servers that keep what they are given have more.
  const several = new Set(all.map(({ component }) => components[component]?.copy)).size > 1;
  // Who cancels a series cancels every change made to it.
  const parts = all
    .filter(({ timing }) => timing.status !== 'cancelled')
    .map((series) => {
      const found = foundOf(series, range, zones, budget, bound);
      return several ? apart(asked, series, found) : found;
    });
  const [first = NOTHING_FOUND, ...others] = parts;
  return others.length === 0 ? first : firstOfEach(others.reduce(together, first));
};

const inOrder = (a: Occurrence, b: Occurrence): number => a.start - b.start || (a.original < b.original ? -1 : 1);

/**
 * Occurrences of one calendar object that overlap `[start, end)` (epoch ms); one without length counts at its start. Walls are expanded
 * and then converted, so that a time in a DST gap moves forward and still counts. Overrides replace, wherever they moved; cancelled ones
 * leave a hole; a cancelled master has no occurrences. Days and floating times are read on the clock of `fallbackZone`. Of more repetitions
 * than `bound` admits those are kept that are nearest to its `now`. Never throws for what a provider sent: a series that is too costly or not
 * understood says so.
 */
export const expand = (
  components: readonly Described[],
  zones: CustomZones,
  range: Readonly<{ start: number; end: number }>,
  fallbackZone: string,
  bound: Share = ALL,
): Expansion => {
  try {
    const all = keepNearest(foundIn({ components, zones: zonesFor(zones, fallbackZone), range, bound }), bound);
    const shown = keepNearest(all, { now: bound.now, most: bound.shown ?? bound.most });
    return expansionOf(shown, all.explicit.length + all.generated.length);
  } catch (error) {
    if (error instanceof Unexpandable) return { unexpandable: error.code };
    throw error;
  }
};

const expansionOf = ({ single, explicit, generated, from, until }: Found, repetitions: number): Expansion => ({
  occurrences: [...single, ...explicit, ...generated].sort(inOrder).map(whole),
  repetitions,
  kept: from === null && until === null ? null : { from, until },
});
