/** Hands an item to the next piece of work, and answers what that piece answers; null while as many items wait as may. */
export type Gathered<T, R> = (item: T) => Promise<R> | null;

/**
 * Does `work` for all items at once that came while an earlier piece of it was done, so that there is one piece at a time, however many ask. A failure
 * is given to those whose items were in it, and to no others. `most`: how many items may wait.
 */
export const gathered = <T, R>(most: number, work: (items: readonly T[]) => Promise<R>): Gathered<T, R> => {
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Readonly<{ items: T[]; done: Promise<R> }> | null = null;
  const next = (): Readonly<{ items: T[]; done: Promise<R> }> => {
    const items: T[] = [];
    const begin = (): Promise<R> => {
      waiting = null;
      return work(items);
    };
    const done = last.then(begin, begin);
    last = done;
    return { items, done };
  };
  return (item) => {
    waiting ??= next();
    if (waiting.items.length >= most) return null;
    waiting.items.push(item);
    return waiting.done;
  };
};
