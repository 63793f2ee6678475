import { DAY_SECONDS, parseDate, parseWall } from '../time/civil.js';
import { type Timing } from '../calendar/calendar-object.js';
import { type FeedComponent, type Upsert } from './feed.js';
import { MOST_OF_OBJECT } from '../time/nearest.js';
import { expand } from '../time/recurrence.js';
import { mostInstances } from '../time/rrule-walk.js';
import { parseRule, Unexpandable } from '../time/rrule.js';
import { EXCLUDES } from '../time/series.js';
import { type TimeRange } from '../kernel/time-range.js';

/** Of fewer occurrences than this it does not matter exactly how many they are. */
const FEW = 1_000;

const wallOf = ({ start }: Timing): number => ('date' in start ? (parseDate(start.date) ?? 0) * DAY_SECONDS : parseWall(start.wall)) ?? 0;

/** No fewer occurrences than a component has in a window; a rule that cannot be read has none. */
const mostOf = (component: FeedComponent, { start, end }: TimeRange): number => {
  const { rules, rdates } = component;
  const from = Date.parse(start) / 1_000 - 2 * DAY_SECONDS;
  const to = Date.parse(end) / 1_000 + 2 * DAY_SECONDS;
  const most = (text: string): number => {
    const rule = parseRule(text);
    return mostInstances(rule, wallOf(component), { from, to: Math.min(to, (rule.until?.at ?? Infinity) + DAY_SECONDS) });
  };
  return rules.filter((text) => !text.startsWith(EXCLUDES)).reduce((sum, text) => sum + most(text), 1 + rdates.length);
};

/**
 * How many occurrences an object brings to a calendar, so that no reader is given too many at once. Counted by the very expansion that the projection
 * does, but only where they may be many.
 */
export const occurrencesOf = ({ components, zones }: Pick<Upsert, 'components' | 'zones'>, window: TimeRange, now: number): number => {
  if (components.every(({ rules, rdates }) => rules.length + rdates.length === 0)) return components.length;
  try {
    const most = components.reduce((sum, component) => sum + mostOf(component, window), 0);
    if (most <= FEW) return most;
  } catch (error) {
    if (!(error instanceof Unexpandable)) throw error;
    return components.length;
  }
  const range = { start: Date.parse(window.start), end: Date.parse(window.end) };
  const expansion = expand(components, zones, range, 'UTC', { now, most: MOST_OF_OBJECT, shown: 0 });
  return 'unexpandable' in expansion ? components.length : expansion.repetitions + expansion.occurrences.length;
};
