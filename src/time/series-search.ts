import { type Bound, type Found, MOST_OF_OBJECT } from './nearest.js';
import { type InstantRange, type Occurrence, occurrenceIn, originalOf } from './occurrence.js';
import { type Budget, spend } from './rrule-walk.js';
import { Unexpandable } from './rrule.js';
import {
  enterable,
  type Instance,
  instancesOf,
  isHole,
  longestOf,
  mostOf,
  type Override,
  placeOf,
  type Series,
  slackOf,
  type Source,
  sourceOf,
  stretchOf,
} from './series.js';
import { type Zones } from './moment.js';

/** A series that cannot have more instances than this in a range is walked whole. */
const WALKED_WHOLE = 20_000;

/** How much of what is kept is searched for at a time on either side of now: a little more than the half of it. */
const STRETCH = 0.55;

const overrideOccurrence = (series: Series, override: Override, range: InstantRange): Occurrence | null => {
  if (override.timing.status === 'cancelled' || isHole(series, override)) return null;
  const { component, timing, start, key } = override;
  return occurrenceIn(range, { component, clock: start, wall: start.wall, startsAt: null, span: timing.span }, () =>
    originalOf(series.start, key),
  );
};

/** What takes place at some instances, by their keys; those that an override replaces or an EXDATE takes out are left out. */
const placedAt = (series: Series, range: InstantRange, instances: readonly Instance[], budget: Budget): Map<number, Occurrence> => {
  const found = new Map<number, Occurrence>();
  for (const instance of instances) {
    spend(budget, 1 + series.futures.length);
    if (isHole(series, instance) || (series.overrides.size > 0 && series.overrides.has(instance.key))) continue;
    const placed = placeOf(series, instance);
    const occurrence = placed === null ? null : occurrenceIn(range, placed, () => originalOf(series.start, instance.key));
    if (occurrence !== null) found.set(instance.key, occurrence);
  }
  return found;
};

type Generated = Pick<Found, 'generated' | 'from' | 'until'>;

/** How far from now everything is known, in milliseconds, when the walls from `from` up to before `to` have been walked. */
const reachOf = (series: Series, source: Source, now: number, [from, to]: readonly [number, number]): number => {
  const { zone } = series.start;
  const before = from <= source.walls.from ? Infinity : now - zone.instantOf(from) * 1_000;
  const after = to > source.walls.to ? Infinity : zone.instantOf(to) * 1_000 - now;
  return Math.min(before, after) - slackOf(source, series) * 1_000;
};

type Search = Readonly<{ series: Series; source: Source; range: InstantRange; budget: Budget; bound: Bound }>;

/** Occurrences of rules by their keys, and the keys that EXRULEs take out, for walls that are walked outwards from now. */
const searchOutwards = ({ series, source, range, budget, bound: { now, most } }: Search): Generated => {
  const { walls } = source;
  const stretch = stretchOf(source, series, STRETCH * Math.max(most, MOST_OF_OBJECT));
  const centre = Math.min(Math.max(series.start.zone.wallOf(Math.floor(now / 1_000)), walls.from), walls.to + 1);
  const found = placedAt(series, range, source.dated, budget);
  let [from, to] = [centre, centre];
  let reach = 0;
  const within = (): readonly Occurrence[] => [...found.values()].filter(({ start }) => Math.abs(start - now) < reach);
  const explore = (first: number, last: number): void => {
    if (last < first) return;
    const instances = instancesOf({ ...source, walls: { from: first, to: last }, dated: [] }, series, budget);
    for (const [key, occurrence] of placedAt(series, range, instances, budget)) if (!found.has(key)) found.set(key, occurrence);
  };
  try {
    while ((from > walls.from || to <= walls.to) && (found.size < most || within().length < most)) {
      const [first, last] = [Math.max(walls.from, from - stretch), Math.min(walls.to, to + stretch - 1)];
      explore(first, from - 1);
      explore(to, last);
      [from, to] = [first, last + 1];
      reach = reachOf(series, source, now, [from, to]);
    }
  } catch (error) {
    // What was walked before the steps ran out is as good as ever; without any of it there is nothing to show.
    if (!(error instanceof Unexpandable) || error.code !== 'recurrence.too-costly' || within().length === 0) throw error;
  }
  if (from <= walls.from && to > walls.to) return { generated: [...found.values()], from: null, until: null };
  return {
    generated: within(),
    from: from <= walls.from ? null : now - reach + longestOf(series) * 1_000,
    until: to > walls.to ? null : now + reach,
  };
};

const generatedBy = (series: Series, range: InstantRange, zones: Zones, budget: Budget, bound: Bound): Generated => {
  const source = sourceOf(series, range, zones);
  if (bound.most !== Infinity && source.rules.length > 0 && mostOf(source, series) > WALKED_WHOLE)
    return searchOutwards({ series, source: enterable(source, series, budget), range, budget, bound });
  const instances = instancesOf(source, series, budget);
  return { generated: [...placedAt(series, range, instances, budget).values()], from: null, until: null };
};

/**
 * What a series has in a range: all of it, or of one that may have very many instances at least the `most` nearest to now. Those are searched
 * for outwards from now, so that a rule with millions of instances costs no more than what is kept of it.
 */
export const foundOf = (series: Series, range: InstantRange, zones: Zones, budget: Budget, bound: Bound): Found => ({
  single: [],
  explicit: [...series.overrides.values()].flatMap((override) => overrideOccurrence(series, override, range) ?? []),
  ...generatedBy(series, range, zones, budget, bound),
});
