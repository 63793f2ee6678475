import { type CustomZones, type Timing } from './calendar-object.js';
import { momentOf, type Zones, zonesFor } from './moment.js';
import { type InstantRange, type Occurrence, occurrenceIn, originalOf } from './occurrence.js';
import { type Budget, MOST_INSTANCES, spend } from './rrule-walk.js';
import { Unexpandable } from './rrule.js';
import { instancesOf, isHole, type Override, placeOf, type Series, seriesOf } from './series.js';

/** The occurrences, in order of their start, or the stable code of the reason why there are none. */
export type Expansion = Readonly<{ occurrences: readonly Occurrence[] }> | Readonly<{ unexpandable: string }>;

/** Bounds one object by work and not by time, so that every replay ends alike; a few hundredths of a second. */
const STEPS = 300_000;

const overrideOccurrence = (series: Series, override: Override, range: InstantRange): Occurrence | null => {
  if (override.timing.status === 'cancelled' || isHole(series, override)) return null;
  const { component, timing, start, key } = override;
  return occurrenceIn(range, { component, clock: start, wall: start.wall, startsAt: null, span: timing.span }, () =>
    originalOf(series.start, key),
  );
};

const seriesOccurrences = (series: Series, range: InstantRange, zones: Zones, budget: Budget): readonly Occurrence[] => {
  const found: Occurrence[] = [];
  const keep = (occurrence: Occurrence | null): void => {
    if (occurrence !== null && found.push(occurrence) > MOST_INSTANCES) throw new Unexpandable('recurrence.too-many');
  };
  for (const instance of instancesOf(series, range, zones, budget)) {
    spend(budget, 1 + series.futures.length);
    if (isHole(series, instance) || (series.overrides.size > 0 && series.overrides.has(instance.key))) continue;
    const placed = placeOf(series, instance);
    if (placed !== null) keep(occurrenceIn(range, placed, () => originalOf(series.start, instance.key)));
  }
  for (const override of series.overrides.values()) keep(overrideOccurrence(series, override, range));
  return found;
};

const singleOccurrence = (component: number, timing: Timing, range: InstantRange, zones: Zones): readonly Occurrence[] => {
  const clock = momentOf(timing.start, zones);
  const placed = { component, clock, wall: clock.wall, startsAt: null, span: timing.span };
  const occurrence = timing.status === 'cancelled' ? null : occurrenceIn(range, placed, () => '');
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

const firstOfEach = (occurrences: readonly Occurrence[]): Occurrence[] => {
  const byOriginal = new Map<string, Occurrence>();
  for (const each of occurrences) if (!byOriginal.has(each.original)) byOriginal.set(each.original, each);
  return [...byOriginal.values()];
};

/** What each UID of an object takes place at, its instances told apart from those of the others, which may be at the same time. */
const apart = (
  components: readonly Described[],
  series: Series,
  range: InstantRange,
  zones: Zones,
  budget: Budget,
): readonly Occurrence[] => {
  const { component, timing, overrides } = series;
  const single = isSingle(timing) && overrides.size === 0;
  const occurrences = single ? singleOccurrence(component, timing, range, zones) : seriesOccurrences(series, range, zones, budget);
  return occurrences.map((each) => ({ ...each, original: `${each.original}_${components[component]?.copy ?? ''}` }));
};

const occurrencesOf = (components: readonly Described[], zones: Zones, range: InstantRange): readonly Occurrence[] => {
  const [only] = components;
  if (components.length === 1 && only !== undefined && isSingle(only)) return singleOccurrence(0, only, range, zones);
  const budget = { left: STEPS };
  const all = allSeries(components, zones);
  // RFC 4791 4.1 wants one UID in a resource; servers that keep what they are given have more.
  const several = new Set(all.map(({ component }) => components[component]?.copy)).size > 1;
  // Who cancels a series cancels every change made to it.
  const found = all
    .filter(({ timing }) => timing.status !== 'cancelled')
    .map((series) => (several ? apart(components, series, range, zones, budget) : seriesOccurrences(series, range, zones, budget)));
  const occurrences = found.length === 1 ? [...(found[0] ?? [])] : firstOfEach(found.flat());
  return occurrences.sort((a, b) => a.start - b.start || (a.original < b.original ? -1 : 1));
};

/**
 * Occurrences of one calendar object that overlap `[start, end)` (epoch ms); one without length counts at its start. Walls are expanded
 * and then converted, so that a time in a DST gap moves forward and still counts. Overrides replace, wherever they moved; cancelled ones
 * leave a hole; a cancelled master has no occurrences. Days and floating times are read on the clock of `fallbackZone`. Never throws for
 * what a provider sent: a series that is too large, too costly or not understood says so.
 */
export const expand = (
  components: readonly Described[],
  zones: CustomZones,
  range: Readonly<{ start: number; end: number }>,
  fallbackZone: string,
): Expansion => {
  try {
    return { occurrences: occurrencesOf(components, zonesFor(zones, fallbackZone), range) };
  } catch (error) {
    if (error instanceof Unexpandable) return { unexpandable: error.code };
    throw error;
  }
};
