/** Wakes one reader. A ring before it waits ends the wait at once, so that none is missed between a look and the wait. */
export type Bell = Readonly<{
  ring: () => void;
  /** Forgets a ring: what it told of is looked at now. */
  hush: () => void;
  /** Resolves at a ring, after so many milliseconds, or when `signal` is aborted. */
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}>;

export const bell = (): Bell => {
  let isRung = false;
  let wake = (): void => undefined;
  return {
    ring: () => {
      isRung = true;
      wake();
    },
    hush: () => {
      isRung = false;
    },
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (isRung || signal.aborted) {
          resolve();
          return;
        }
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, milliseconds);
        signal.addEventListener('abort', end);
        wake = end;
      }),
  };
};
