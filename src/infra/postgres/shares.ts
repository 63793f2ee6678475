/** How many rows of one person are worked at: at most so many, however many of theirs are due, so that one person never takes all places. */
export type Shares = Readonly<{
  /** Takes a place; false when the person has all that one may have. */
  enter: (person: string) => boolean;
  leave: (person: string) => void;
  /** People whose rows are better left alone: those who were turned away, until half of their places are free again. */
  full: () => readonly string[];
}>;

/** `most`: places of one person. */
export const shares = (most: number): Shares => {
  const taken = new Map<string, number>();
  const turnedAway = new Set<string>();
  return {
    enter: (person) => {
      const places = taken.get(person) ?? 0;
      if (places >= most) {
        turnedAway.add(person);
        return false;
      }
      taken.set(person, places + 1);
      return true;
    },
    leave: (person) => {
      const places = (taken.get(person) ?? 0) - 1;
      if (places > 0) taken.set(person, places);
      else taken.delete(person);
      if (places <= most / 2) turnedAway.delete(person);
    },
    full: () => [...new Set([...turnedAway, ...[...taken].flatMap(([person, places]) => (places >= most ? [person] : []))])],
  };
};
