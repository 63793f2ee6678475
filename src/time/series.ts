import { type Span, type Timing } from '../calendar/calendar-object.js';
import { DAY_SECONDS, LAST_WALL, wallDay } from './civil.js';
import { instanceAt, type InstanceId, instanceNamed, keyAt, type Moment, momentOf, type Zones } from './moment.js';
import { type InstantRange, type Placed } from './occurrence.js';
import { type Budget, lastCounted, mostInstances, namesStart, spanOf, walk, type WallRange } from './rrule-walk.js';
import { parseRule, type Rule } from './rrule.js';

/**
 * An override and the instance it replaces. `clock` is the one that later instances keep to when it holds for them too, `shift` how far
 * it moved its own instance there, in seconds.
 */
export type Override = InstanceId & Readonly<{ component: number; timing: Timing; start: Moment; clock: Moment; shift: number }>;

/** A master with everything that changes its instances. */
export type Series = Readonly<{
  component: number;
  timing: Timing;
  start: Moment;
  holes: ReadonlySet<number>;
  /** Days that an EXDATE of a timed series takes out whole. */
  holeDays: ReadonlySet<number>;
  overrides: ReadonlyMap<number, Override>;
  /** Overrides that hold for all later instances too, in the order of what they replace. */
  futures: readonly Override[];
}>;

/** An instance before overrides; `span` is its own, from an RDATE period. */
export type Instance = InstanceId & Readonly<{ span: Span | null }>;

/** A start told in UTC is a moment and no place, so that later instances stay on the clock of the series. */
const onClockOf = (series: Moment, start: Moment): Moment =>
  start.zoneId === 'UTC' && series.kind === 'zoned'
    ? { ...series, wall: series.zoneId === 'UTC' ? start.wall : series.zone.wallOf(start.wall) }
    : start;

const overrideOf = (series: Moment, component: number, timing: Timing, zones: Zones): Override => {
  const replaced = instanceNamed(series, timing.recurrenceId ?? timing.start, zones);
  const start = momentOf(timing.start, zones);
  const clock = onClockOf(series, start);
  return { ...replaced, component, timing, start, clock, shift: clock.wall - replaced.wall };
};

/** The component at `index` with the overrides of its instances, given by their indexes. */
export const seriesOf = (components: readonly Timing[], index: number, overriding: readonly number[], zones: Zones): Series | null => {
  const timing = components[index];
  if (timing === undefined) return null;
  const start = momentOf(timing.recurrenceId ?? timing.start, zones);
  const wholeDays = start.kind === 'date' ? [] : timing.exdates.filter((when) => 'date' in when);
  const overrides = new Map<number, Override>();
  for (const component of overriding) {
    const override = components[component];
    if (override === undefined) continue;
    const placed = overrideOf(start, component, override, zones);
    overrides.set(placed.key, placed);
  }
  return {
    component: index,
    timing,
    start,
    holes: new Set(timing.exdates.map((when) => instanceNamed(start, when, zones).key)),
    holeDays: new Set(wholeDays.map((when) => wallDay(momentOf(when, zones).wall))),
    overrides,
    futures: [...overrides.values()].filter((each) => each.timing.thisAndFuture).sort((a, b) => a.key - b.key),
  };
};

const lengthOf = (span: Span): number => (span.days + 1) * DAY_SECONDS + span.seconds;

/** Walls that can put an occurrence into the range: two days cover any zone, and what moves or lengthens instances widens it. */
const wallsFor = ({ timing, futures }: Series, range: InstantRange): WallRange => {
  const longest = Math.max(...[timing, ...futures.map((each) => each.timing)].map(({ span }) => lengthOf(span)));
  const ownLongest = timing.rdates.reduce((most, { span }) => Math.max(most, span === null ? 0 : lengthOf(span)), 0);
  const shifts = [0, ...futures.map((each) => each.shift)];
  return {
    from: range.start / 1_000 - 2 * DAY_SECONDS - Math.max(longest, ownLongest) - Math.max(...shifts),
    to: range.end / 1_000 + 2 * DAY_SECONDS - Math.min(...shifts),
  };
};

/**
 * Last day of a series of days whose UNTIL is a time in UTC, as its wall. Outlook writes the midnight that begins the day on the calendar's own
 * clock, which is an evening of the day before in UTC when the calendar is east of it; any other time means its day in UTC.
 */
const lastDay = ({ zone }: Moment, until: number): number => {
  const day = wallDay(zone.wallOf(until)) * DAY_SECONDS;
  return zone.instantOf(day) === until ? day : wallDay(until) * DAY_SECONDS;
};

/** Last wall and last key of a rule. A series of floating times has no zone, so the Z of its UNTIL means nothing. */
const limitsOf = (rule: Rule, start: Moment): Readonly<{ wall: number; key: number }> => {
  const until = rule.until;
  if (until === null) return { wall: Infinity, key: Infinity };
  if (until.kind === 'instant' && start.kind === 'date') return { wall: lastDay(start, until.at), key: Infinity };
  if (until.kind === 'wall' || start.kind !== 'zoned') return { wall: until.at, key: Infinity };
  return { wall: start.zone.wallOf(until.at) + DAY_SECONDS, key: until.at };
};

/** A rule and where it ends. */
type Ruled = Readonly<{ rule: Rule; wall: number; key: number }>;

const ruled = (text: string, start: Moment): Ruled => {
  const rule = parseRule(text);
  return { rule, ...limitsOf(rule, start) };
};

const ruleInstances = ({ rule, wall: last, key: lastKey }: Ruled, start: Moment, walls: WallRange, budget: Budget): readonly Instance[] =>
  walk(rule, start.wall, { from: walls.from, to: Math.min(walls.to, last) }, budget)
    .map((wall) => ({ wall, key: keyAt(start, wall), span: null }))
    .filter(({ key }) => key <= lastKey);

/** What an EXRULE is told from an RRULE by. */
export const EXCLUDES = 'EXRULE:';

/** Keys of the instances that EXRULEs take out. */
const excludedBy = (rules: readonly Ruled[], start: Moment, walls: WallRange, budget: Budget): ReadonlySet<number> => {
  const keys = new Set<number>();
  const first = instanceAt(start, start.wall).key;
  for (const each of rules) {
    const named = namesStart(each.rule, start.wall, budget);
    for (const { key } of ruleInstances(each, start, walls, budget)) if (key !== first || named) keys.add(key);
  }
  return keys;
};

const instance = ({ wall, key }: InstanceId, span: Span | null): Instance => ({ wall, key, span });

/** Two rules may meet, and walls in a DST gap move onto later ones; of equal instances the one with a length of its own stays. */
const withoutRepetitions = (instances: readonly Instance[]): readonly Instance[] => {
  const rising = instances.every(({ key }, index) => index === 0 || key > (instances[index - 1]?.key ?? 0));
  if (rising) return instances;
  const unique = new Map<number, Instance>();
  for (const each of instances) if (each.span !== null || !unique.has(each.key)) unique.set(each.key, each);
  return [...unique.values()];
};

/** Where the instances of a series come from; `dated` are those of RDATE, and DTSTART where no rule has it. */
export type Source = Readonly<{
  /** All walls that can matter to the range. */
  walls: WallRange;
  rules: readonly Ruled[];
  excluding: readonly Ruled[];
  dated: readonly Instance[];
}>;

export const sourceOf = (series: Series, range: InstantRange, zones: Zones): Source => {
  const { timing, start } = series;
  const excluding = timing.rules.filter((text) => text.startsWith(EXCLUDES)).map((text) => ruled(text.slice(EXCLUDES.length), start));
  const rules = timing.rules.filter((text) => !text.startsWith(EXCLUDES)).map((text) => ruled(text, start));
  const first = rules.length === 0 ? [instance(instanceAt(start, start.wall), null)] : [];
  const dated = timing.rdates.map((rdate) => instance(instanceNamed(start, rdate.start, zones), rdate.span));
  return { walls: wallsFor(series, range), rules, excluding, dated: [...first, ...dated] };
};

/** No fewer instances than a source has, without walking its rules. */
export const mostOf = ({ rules, walls, dated }: Source, { start }: Series): number =>
  rules.reduce(
    (sum, { rule, wall }) => sum + mostInstances(rule, start.wall, { from: walls.from, to: Math.min(walls.to, wall) }),
    dated.length,
  );

/** Instances of DTSTART, RRULE and RDATE that can matter to the range, each once; EXRULE is applied, EXDATE and overrides are not. */
export const instancesOf = ({ walls, rules, excluding, dated }: Source, { start }: Series, budget: Budget): readonly Instance[] => {
  const all = withoutRepetitions([...rules.flatMap((each) => ruleInstances(each, start, walls, budget)), ...dated]);
  if (excluding.length === 0) return all;
  const excluded = excludedBy(excluding, start, walls, budget);
  return all.filter(({ key }) => !excluded.has(key));
};

/** The same source with COUNT told as the wall it ends at, so that it can be entered anywhere; no wall outside it has an instance of a rule. */
export const enterable = (source: Source, { start }: Series, budget: Budget): Source => {
  const uncounted = ({ rule, wall, key }: Ruled): Ruled => ({
    rule: { ...rule, count: null },
    wall: Math.min(wall, lastCounted(rule, start.wall, source.walls.to, budget)),
    key,
  });
  const rules = source.rules.map(uncounted);
  const last = Math.max(...rules.map(({ wall }) => wall));
  const walls = { from: Math.max(source.walls.from, start.wall), to: Math.min(source.walls.to, last, LAST_WALL) };
  return { ...source, walls, rules, excluding: source.excluding.map(uncounted) };
};

/** A stretch of walls that holds no more than about so many instances of any rule. */
export const stretchOf = ({ rules }: Source, { start }: Series, instances: number): number =>
  Math.min(...rules.map(({ rule }) => spanOf(rule, start.wall, instances)));

/** How far a wall may be from where what begins there takes place, in seconds: what moves later instances, and what an EXRULE takes out in a DST gap. */
export const slackOf = ({ excluding }: Source, { futures }: Series): number =>
  (futures.length > 0 ? 2 * DAY_SECONDS + Math.max(...futures.map(({ shift }) => Math.abs(shift))) : 0) +
  (excluding.length > 0 ? DAY_SECONDS : 0);

/** The longest that an instance of a rule lasts, in seconds. */
export const longestOf = ({ timing, futures }: Series): number =>
  Math.max(...[timing, ...futures.map((each) => each.timing)].map(({ span }) => (span.days === 0 ? span.seconds : lengthOf(span))));

/** Whether an EXDATE takes the instance out. */
export const isHole = ({ holes, holeDays }: Series, { key, wall }: InstanceId): boolean =>
  (holes.size > 0 && holes.has(key)) || (holeDays.size > 0 && holeDays.has(wallDay(wall)));

/**
 * Where an instance without an override of its own takes place: as the last earlier THISANDFUTURE override says, moved by what that moved
 * its own instance (RFC 5545 3.8.4.4), else as the master says. Null when that was cancelled.
 */
export const placeOf = ({ component, timing, start, futures }: Series, { key, wall, span }: Instance): Placed | null => {
  const future = futures.findLast((each) => each.key < key);
  if (future === undefined) {
    return { component, clock: start, wall, startsAt: start.kind === 'date' ? null : key, span: span ?? timing.span };
  }
  if (future.timing.status === 'cancelled') return null;
  const moved = wall + future.shift;
  const placedWall = future.clock.kind === 'date' ? wallDay(moved) * DAY_SECONDS : moved;
  return { component: future.component, clock: future.clock, wall: placedWall, startsAt: null, span: span ?? future.timing.span };
};
