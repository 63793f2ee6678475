/** Runs work in named lanes, at most so many at a time (`width`) in each; what comes later waits its turn. */
export type Lanes = Readonly<{ run: <T>(lane: string, width: number, work: () => Promise<T>) => Promise<T> }>;

type Lane = { running: number; readonly waiting: (() => void)[] };

/** A lane without work is forgotten. */
export const lanes = (): Lanes => {
  const open = new Map<string, Lane>();

  const enter = async (name: string, width: number): Promise<Lane> => {
    const lane = open.get(name) ?? { running: 0, waiting: [] };
    open.set(name, lane);
    if (lane.running >= width) await new Promise<void>((resolve) => lane.waiting.push(resolve));
    else lane.running += 1;
    return lane;
  };

  const leave = (name: string, lane: Lane): void => {
    const next = lane.waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    lane.running -= 1;
    if (lane.running === 0) open.delete(name);
  };

  return {
    run: async (name, width, work) => {
      const lane = await enter(name, width);
      try {
        return await work();
      } finally {
        leave(name, lane);
      }
    },
  };
};
