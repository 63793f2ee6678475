import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStore } from '../../kernel/event-store.js';
import { inTurn } from '../../kernel/in-turn.js';

/** The longest pause before a try, in milliseconds: doubles with every lost race, up to the most. Longer than a load and an append take. */
const FIRST_PAUSE = 5;
const MOST_PAUSE = 100;

/** Losers of one stream try again one at a time, because together they would lose to each other; the pause gives way to other processes. */
export const races = (): EventStore['afterRace'] => {
  const turn = inTurn();
  return (stream, losses, work) =>
    turn(stream, async () => {
      if (losses > 1) await sleep(randomInt(Math.min(FIRST_PAUSE * 2 ** (losses - 1), MOST_PAUSE)));
      return work();
    });
};
