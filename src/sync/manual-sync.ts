/** How long a calendar is not synced by hand again, and not read whole by hand again, in milliseconds. */
export type ManualPauses = Readonly<{ sync: number; full: number }>;

/** DI token of the `ManualPauses`. */
export const MANUAL_PAUSES = Symbol('ManualPauses');

/** A calendar of the person who asks. `objects`: as many as its last whole reading brought; null before one has ended. */
export type Syncable = Readonly<{
  calendarId: string;
  lastSyncAt: number | null;
  lastFullAt: number | null;
  objects: number | null;
}>;

/** Objects of one person that are read whole by hand within the pause between two whole readings of a calendar. */
export const FULL_BUDGET = 200_000;

/** What a calendar of unknown size counts for. */
const UNKNOWN = 10_000;

/** `retryAfter`: milliseconds until the first of the calendars that may not be synced now may be; null when all may. */
export type Allowed = Readonly<{ calendarIds: readonly string[]; retryAfter: number | null }>;

const costOf = ({ objects }: Syncable): number => Math.max(1, objects ?? UNKNOWN);

const waitOf = (last: number | null, pause: number, now: number): number => (last === null ? 0 : Math.max(0, last + pause - now));

/** Those that were read whole longest ago come first. */
const byTurn = (one: Syncable, other: Syncable): number => (one.lastFullAt ?? 0) - (other.lastFullAt ?? 0);

/**
 * Which of the wanted calendars may be synced now. A sync of what changed waits for the pause of its calendar alone. A whole reading waits for its
 * longer pause too, and for the budget: the objects of all calendars of the person that were read whole within the pause (`all`) count, and one
 * calendar may always be read when nothing was, however large it is.
 */
export const allowedOf = (
  wanted: readonly Syncable[],
  all: readonly Syncable[],
  { full, pauses, now }: Readonly<{ full: boolean; pauses: ManualPauses; now: number }>,
): Allowed => {
  const waits = new Map(
    wanted.map((each) => [
      each.calendarId,
      Math.max(waitOf(each.lastSyncAt, pauses.sync, now), full ? waitOf(each.lastFullAt, pauses.full, now) : 0),
    ]),
  );
  const free = wanted.filter(({ calendarId }) => waits.get(calendarId) === 0);
  if (!full) return ended(free, wanted, waits);
  const counted = all.filter(({ lastFullAt }) => waitOf(lastFullAt, pauses.full, now) > 0);
  let spent = counted.reduce((sum, each) => sum + costOf(each), 0);
  const untilSomeIsFree = Math.min(...counted.map(({ lastFullAt }) => waitOf(lastFullAt, pauses.full, now)), pauses.full);
  const taken: Syncable[] = [];
  for (const each of free.toSorted(byTurn))
    if (spent === 0 || spent + costOf(each) <= FULL_BUDGET) {
      taken.push(each);
      spent += costOf(each);
    } else waits.set(each.calendarId, untilSomeIsFree);
  return ended(taken, wanted, waits);
};

const ended = (taken: readonly Syncable[], wanted: readonly Syncable[], waits: ReadonlyMap<string, number>): Allowed => {
  const calendarIds = taken.map(({ calendarId }) => calendarId);
  const left = wanted.filter(({ calendarId }) => !calendarIds.includes(calendarId));
  return { calendarIds, retryAfter: left.length === 0 ? null : Math.min(...left.map(({ calendarId }) => waits.get(calendarId) ?? 0)) };
};
