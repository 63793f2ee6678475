/**
 * Keeps one slow place from holding everything up: rows belong to groups (the calendar server they are read from), and of each group at most
 * so many are worked at, whatever else is due. It learns to which group a row's member (its connection) belongs when it first meets it; a
 * group that rows name themselves (their provider) needs no members, of which it may have any number.
 */
export type Crowding = Readonly<{
  /** Takes a place in a group; false when all of them are taken. Either way the member, null where rows name the group, is known from now on. */
  enter: (member: string | null, group: string) => boolean;
  leave: (group: string) => void;
  /** Groups without a free place, and the members that are known of them: their rows are better left alone. */
  crowded: () => Readonly<{ groups: readonly string[]; members: readonly string[] }>;
}>;

/** Past this many members the memory starts again rather than grow; each is then met anew. */
const MOST_KNOWN = 100_000;

/** `width`: places of each group. */
export const crowding = (width: number): Crowding => {
  const groups = new Map<string, string>();
  const members = new Map<string, Set<string>>();
  const taken = new Map<string, number>();

  const know = (member: string, group: string): void => {
    const before = groups.get(member);
    if (before === group) return;
    if (before !== undefined) members.get(before)?.delete(member);
    if (groups.size >= MOST_KNOWN) {
      groups.clear();
      members.clear();
    }
    groups.set(member, group);
    members.set(group, (members.get(group) ?? new Set()).add(member));
  };

  return {
    enter: (member, group) => {
      if (member !== null) know(member, group);
      const places = taken.get(group) ?? 0;
      if (places >= width) return false;
      taken.set(group, places + 1);
      return true;
    },
    leave: (group) => {
      const places = (taken.get(group) ?? 0) - 1;
      if (places > 0) taken.set(group, places);
      else taken.delete(group);
    },
    crowded: () => {
      const full = [...taken].filter(([, places]) => places >= width).map(([group]) => group);
      return { groups: full, members: full.flatMap((group) => [...(members.get(group) ?? [])]) };
    },
  };
};
