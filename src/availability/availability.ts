import { type Freshness } from '../sync/freshness.js';
import { type Interval, intervalOf, merged, within, without } from './intervals.js';

/** What is known of somebody's time. What is neither busy nor unknown is free; the two never overlap. */
export type Availability = Readonly<{ busy: readonly Interval[]; unknown: readonly Interval[] }>;

/** Of a calendar: whether it has been read lately, and the window in which that says all there is. */
export type Reading = Pick<Freshness, 'state' | 'window' | 'seriesWithin'>;

/** A series that is not shown whole may take any time outside what is shown of it. */
const known = ({ state, window, seriesWithin }: Reading): readonly Interval[] => {
  const within = seriesWithin ?? window;
  return state === 'fresh' && within !== null && within.start < within.end ? [intervalOf(within)] : [];
};

/**
 * When somebody is busy or may be, in a range. Each calendar that was not read, not lately, or not for all of the range leaves what it does not
 * cover unknown; so does having no calendar at all. The last that was seen of such a calendar still counts as busy.
 */
export const availabilityOf = (range: Interval, readings: readonly Reading[], taken: readonly Interval[]): Availability => {
  const busy = merged(within(taken, range));
  const gaps = readings.length === 0 ? [range] : readings.flatMap((reading) => without([range], known(reading)));
  return { busy, unknown: without(merged(gaps), busy) };
};
