import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStore } from '../../kernel/event-store.js';

/** The longest pause before a try, in milliseconds: doubles with every lost race, up to the most. Longer than a load and an append take. */
const FIRST_PAUSE = 5;
const MOST_PAUSE = 100;

const ignore = (): void => undefined;

/** Losers of one stream try again one at a time, because together they would lose to each other; the pause gives way to other processes. */
export const races = (): EventStore['afterRace'] => {
  const lines = new Map<string, Promise<void>>();
  return async (stream, losses, work) => {
    const before = lines.get(stream) ?? Promise.resolve();
    const mine = before.then(async () => {
      if (losses > 1) await sleep(randomInt(Math.min(FIRST_PAUSE * 2 ** (losses - 1), MOST_PAUSE)));
      return work();
    });
    const over = mine.then(ignore, ignore);
    lines.set(stream, over);
    try {
      return await mine;
    } finally {
      if (lines.get(stream) === over) lines.delete(stream);
    }
  };
};
