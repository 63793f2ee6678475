/** Texts that are remembered for so many milliseconds, and no more than `most` of them: the oldest are forgotten first. */
export type ShortMemory = Readonly<{ has: (text: string) => boolean; add: (text: string) => void }>;

/** `now`: milliseconds since the epoch. */
export const shortMemory = (most: number, milliseconds: number, now: () => number): ShortMemory => {
  // In the order in which they are to be forgotten.
  const until = new Map<string, number>();
  return {
    has: (text) => {
      const end = until.get(text);
      // A clock that was set back keeps nothing longer than it would have.
      return end !== undefined && end > now() && end <= now() + milliseconds;
    },
    add: (text) => {
      until.delete(text);
      until.set(text, now() + milliseconds);
      const [oldest] = until.keys();
      if (until.size > most && oldest !== undefined) until.delete(oldest);
    },
  };
};
