/**
 * Keeps one slow place from holding everything up: rows belong to groups (the calendar server they are read from), and of each group at most
 * so many are worked at, whatever else is due. It learns to which group a row's member (its connection) belongs when it first meets it.
 */
export type Crowding = Readonly<{
  /** Takes a place in a group; false when all of them are taken. Either way the member is known from now on. */
  enter: (member: string, group: string) => boolean;
  leave: (group: string) => void;
  /** Members of groups without a free place: their rows are better left alone. */
  crowded: () => readonly string[];
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
      know(member, group);
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
    crowded: () => [...taken].flatMap(([group, places]) => (places < width ? [] : [...(members.get(group) ?? [])])),
  };
};
