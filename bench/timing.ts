export type Timed<T> = Readonly<{ result: T; milliseconds: number }>;

/** Runs something once and says how long it took. */
export const timed = async <T>(work: () => Promise<T>): Promise<Timed<T>> => {
  const began = performance.now();
  const result = await work();
  return { result, milliseconds: performance.now() - began };
};

/** The middle one; of an even number the upper of the two. */
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
