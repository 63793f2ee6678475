import { setTimeout as sleep } from 'node:timers/promises';
import { type Lane, type Place } from '../budget.js';
import { type Call } from '../provider-fault.js';
import { type Settings } from './guarded.settings.js';

/** Milliseconds after which it is looked again whether an account has a place for a request; up to as much again by chance. */
const PLACE_LOOKED_FOR = 25;

/** Sleeps; throws the reason of the abort that ends it. */
export const rest = (milliseconds: number, { signal }: Call): Promise<unknown> =>
  sleep(milliseconds, undefined, { signal }).catch(() => {
    throw signal.reason;
  });

/** Takes a request out of the budget of its account, as soon as there is one. The time limit of a try begins after it. */
export const turn = async ({ spend }: Settings, lane: Lane, call: Call): Promise<void> => {
  for (let wait = await spend(lane); wait > 0; wait = await spend(lane)) await rest(wait, call);
};

/** Takes a place among the requests of an account that are under way, as soon as there is one; null where they are not counted. */
export const placed = async ({ enter, random }: Settings, { account, atOnce }: Lane, call: Call): Promise<Place | null> => {
  if (atOnce === null) return null;
  for (;;) {
    const place = await enter(account, atOnce);
    if (place !== null) return place;
    await rest(PLACE_LOOKED_FOR * (1 + random()), call);
  }
};
