/**
 * The answer of `make`, made when it is asked for and given to all who ask until `milliseconds` after it was there, so that it costs no more
 * however many ask. A failure is given to those who waited for it, and is not kept. `now`: milliseconds since the epoch.
 */
export const sharedAnswer = <T>(milliseconds: number, now: () => number, make: () => Promise<T>): (() => Promise<T>) => {
  let shared: Readonly<{ answer: Promise<T>; madeAt: number | null }> | null = null;
  const isFresh = (madeAt: number | null): boolean => madeAt === null || Math.abs(now() - madeAt) < milliseconds;
  return () => {
    if (shared !== null && isFresh(shared.madeAt)) return shared.answer;
    const answer = make();
    shared = { answer, madeAt: null };
    answer.then(
      () => {
        shared = { answer, madeAt: now() };
      },
      () => {
        shared = null;
      },
    );
    return answer;
  };
};
