/** Does so many things, so many at the same time; each is told its number, from 1. */
export const flood = async (count: number, width: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  let done = 0;
  const lane = async (): Promise<void> => {
    while (done < count) await work((done += 1));
  };
  await Promise.all(Array.from({ length: width }, lane));
};
