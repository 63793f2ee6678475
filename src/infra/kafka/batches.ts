/** As many messages as go into one request, and about how many bytes: brokers refuse more than a megabyte. */
export const MOST = { messages: 2_000, bytes: 900_000 } as const;

/** Cuts messages into runs that a broker takes at once, in their order; one that is larger than that is a run of its own. */
export const inBatches = <T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  most: Readonly<{ messages: number; bytes: number }> = MOST,
): T[][] => {
  const batches: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = batches.at(-1);
    if (last === undefined || last.length === most.messages || size > room) {
      batches.push([item]);
      room = most.bytes - size;
    } else {
      last.push(item);
      room -= size;
    }
  }
  return batches;
};
