/** Does pieces of work with the same key one after the other, in the order in which they were asked for; a failure keeps none behind it. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

const ignore = (): void => undefined;

/** Keys of its own; one that nothing waits for takes no memory. */
export const inTurn = (): InTurn => {
  const lines = new Map<string, Promise<void>>();
  return async (key, work) => {
    const mine = (lines.get(key) ?? Promise.resolve()).then(work);
    const over = mine.then(ignore, ignore);
    lines.set(key, over);
    try {
      return await mine;
    } finally {
      if (lines.get(key) === over) lines.delete(key);
    }
  };
};
