/** A place that a row's work has taken in its group, and since when. */
export type Place = Readonly<{ group: string; since: number }>;

/**
 * Keeps slow places from holding everything up: rows belong to groups (the calendar server they are read from), and of each group at most
 * so many are worked at, however many are due. A group whose work takes longer than `SLOW` is slow until some of it has taken less: all slow
 * groups together have half of the places, and what they hold beyond it, because they were not known to be slow, is lent to the others.
 *
 * It learns to which group a row's member (its connection) belongs when it first meets it; a group that rows name themselves (their provider)
 * needs no members, of which it may have any number. `now` is in milliseconds.
 */
export type Crowding = Readonly<{
  /** Takes a place in a group; null when it may have none now. Either way the member, null where rows name the group, is known from now on. */
  enter: (member: string | null, group: string, now: number) => Place | null;
  leave: (place: Place, now: number) => void;
  /** Groups that may have no place now, and the members that are known of them: their rows are better left alone. */
  crowded: (now: number) => Readonly<{ groups: readonly string[]; members: readonly string[] }>;
  /** How many places slow groups hold beyond their half. */
  lent: (now: number) => number;
}>;

/** Reading a calendar takes a fraction of this, also the first time. */
export const SLOW = 10_000;

/** Past this many members, or groups that were slow, the memory starts again rather than grow; each is then new to it. */
const MOST_KNOWN = 100_000;

/** To which group each member belongs, as far as it is known. */
const memory = () => {
  const groups = new Map<string, string>();
  const members = new Map<string, Set<string>>();
  return {
    know: (member: string, group: string): void => {
      const before = groups.get(member);
      if (before === group) return;
      if (before !== undefined) members.get(before)?.delete(member);
      if (groups.size >= MOST_KNOWN) {
        groups.clear();
        members.clear();
      }
      groups.set(member, group);
      members.set(group, (members.get(group) ?? new Set()).add(member));
    },
    membersOf: (group: string): readonly string[] => [...(members.get(group) ?? [])],
  };
};

/** `widthOf`: places of a group; `places`: of all. */
export const crowding = (widthOf: (group: string) => number, places: number): Crowding => {
  const half = Math.floor(places / 2);
  const { know, membersOf } = memory();
  const taken = new Map<string, Set<Place>>();
  const wasSlow = new Set<string>();

  const isSlow = (group: string, now: number): boolean =>
    wasSlow.has(group) || [...(taken.get(group) ?? [])].some(({ since }) => now - since > SLOW);
  const heldBySlow = (now: number): number => [...taken].reduce((sum, [group, held]) => (isSlow(group, now) ? sum + held.size : sum), 0);
  const isFull = (group: string): boolean => (taken.get(group)?.size ?? 0) >= widthOf(group);

  return {
    enter: (member, group, now) => {
      if (member !== null) know(member, group);
      if (isFull(group) || (isSlow(group, now) && heldBySlow(now) >= half)) return null;
      const place = { group, since: now };
      taken.set(group, (taken.get(group) ?? new Set()).add(place));
      return place;
    },
    leave: (place, now) => {
      const { group, since } = place;
      const held = taken.get(group);
      held?.delete(place);
      if (held?.size === 0) taken.delete(group);
      if (wasSlow.size >= MOST_KNOWN) wasSlow.clear();
      if (now - since > SLOW) wasSlow.add(group);
      else wasSlow.delete(group);
    },
    crowded: (now) => {
      const slow = heldBySlow(now) >= half ? [...wasSlow, ...[...taken.keys()].filter((group) => isSlow(group, now))] : [];
      const groups = [...new Set([...[...taken.keys()].filter(isFull), ...slow])];
      return { groups, members: groups.flatMap(membersOf) };
    },
    lent: (now) => Math.max(0, heldBySlow(now) - half),
  };
};
