import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../kernel/clock.js';
import { type Source } from '../../kernel/follower.js';
import { type Database } from '../../kernel/sql.js';
import { type ChangesAt } from './change-row.js';
import { changesAfter } from './changes.sql.js';

/** Rows read at once. */
const BATCH = 500;

/** How long a change may wait whose notification was lost. */
const IDLE = SECOND;

/** Resolves on the next hint, when the time is over, or when aborted. */
const hints = (signal: AbortSignal) => {
  let [hinted, wake] = [false, (): void => undefined];
  return {
    hint: (): void => {
      hinted = true;
      wake();
    },
    rest: async (milliseconds: number): Promise<void> => {
      const idle = new AbortController();
      const hint = new Promise<void>((resolve) => {
        wake = resolve;
        if (hinted || signal.aborted) resolve();
      });
      await Promise.race([hint, sleep(milliseconds, undefined, { signal: idle.signal }).catch(() => undefined)]);
      hinted = false;
      idle.abort();
    },
  };
};

/**
 * Everybody's changes in the order of the log, as far as the merged calendar's projection has come; an item is all that changed at one place of the
 * log. A change that a placement worker tells stands one behind the projection's checkpoint, and comes once the checkpoint has passed it.
 */
export const followedChanges = (database: Database): Source<ChangesAt> =>
  async function* (after, signal) {
    const { hint, rest } = hints(signal);
    const unlisten = database.listen('stream', hint);
    const isOver = (): boolean => signal.aborted;
    signal.addEventListener('abort', hint);
    try {
      let position = after;
      let [live, told] = [false, false];
      while (!isOver()) {
        const found = await changesAfter(database, position, BATCH);
        if (found === null || !found.more) live = true;
        if (found !== null && (position === null || found.position > position)) {
          ({ position } = found);
          yield { items: found.items, position, live };
        } else if (live && !told) yield { items: [], position, live };
        told = live;
        if (found === null || !found.more) await rest(IDLE);
      }
    } finally {
      signal.removeEventListener('abort', hint);
      await unlisten();
    }
  };
