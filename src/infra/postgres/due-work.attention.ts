import { setTimeout as sleep } from 'node:timers/promises';

/** A worker that waits until a row may be due: until a hint comes, or the time is over. A hint that came before the wait ends it at once. */
export const attention = () => {
  let hinted = false;
  let wake: () => void = () => undefined;
  return {
    hint: (): void => {
      hinted = true;
      wake();
    },
    /** Forgets the hints that came so far: what they were about is looked at now. */
    look: (): void => {
      hinted = false;
    },
    rest: async (milliseconds: number): Promise<void> => {
      const idle = new AbortController();
      const hint = new Promise<void>((resolve) => {
        wake = resolve;
        if (hinted) resolve();
      });
      await Promise.race([hint, sleep(milliseconds, undefined, { signal: idle.signal }).catch(() => undefined)]);
      idle.abort();
    },
  };
};
