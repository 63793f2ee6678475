/** A row's work that is under way: since when (milliseconds), and how many crashes it is suspected of. */
export type Turn = Readonly<{ since: number; crashes: number }>;

/**
 * Keeps suspects apart: a suspect is a row that was held when its process died, which may or may not have been the cause. It begins when
 * nothing runs that began a moment ago, and for a moment nothing else begins, because a row that ends its process usually does so at once.
 * One that was suspected before (`crashes` of 2 and more) runs beside no other suspect at all. One of these is shared by all queues of a thread,
 * because all of them die with it. `now` is in milliseconds.
 */
export type Solitude = Readonly<{
  /** Whether a suspect may begin now; while it may not because of what began a moment ago, nothing else begins either. */
  isQuietFor: (crashes: number, now: number) => boolean;
  /** Whether a row that is suspected of nothing may begin. */
  isOpen: (now: number) => boolean;
  begin: (now: number, crashes: number) => Turn;
  end: (turn: Turn) => void;
}>;

/** How long a suspect runs alone, and how long it is waited for, in milliseconds. Reading a calendar usually takes less. */
export const ALONE = 5_000;

/** How long everything else waits for a suspect that waits: a little longer than what began before it can keep it waiting. */
const WAITED_FOR = ALONE + 1_000;

export const solitude = (): Solitude => {
  const running = new Set<Turn>();
  let waitedSince = -Infinity;

  const isRecent = (since: number, now: number, span = ALONE): boolean => now >= since && now - since < span;
  const suspects = (): readonly Turn[] => [...running].filter(({ crashes }) => crashes > 0);

  return {
    isQuietFor: (crashes, now) => {
      if ([...running].some(({ since }) => isRecent(since, now))) {
        if (!isRecent(waitedSince, now, WAITED_FOR)) waitedSince = now;
        return false;
      }
      return crashes > 1 ? suspects().length === 0 : suspects().every((turn) => turn.crashes <= 1);
    },
    isOpen: (now) => !isRecent(waitedSince, now, WAITED_FOR) && !suspects().some(({ since }) => isRecent(since, now)),
    begin: (now, crashes) => {
      const turn = { since: now, crashes };
      running.add(turn);
      if (crashes > 0) waitedSince = -Infinity;
      return turn;
    },
    end: (turn) => {
      running.delete(turn);
    },
  };
};
