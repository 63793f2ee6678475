/** Milliseconds of each of many calls, and calls a second over all of them. */
export type Pressure = Readonly<{ p50: number; p95: number; perSecond: number }>;

export const percentile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};

/** Makes `count` calls, so many at a time, and measures each. */
export const press = async (count: number, atOnce: number, call: (index: number) => Promise<void>): Promise<Pressure> => {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const start = performance.now();
      await call(index);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95), perSecond: (count * 1_000) / (performance.now() - began) };
};
