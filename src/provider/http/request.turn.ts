import { setTimeout as sleep } from 'node:timers/promises';
import { type Lane, type NarrowLane, type Place } from '../budget.js';
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

const isNarrow = (lane: Lane): lane is NarrowLane => lane.atOnce !== null;

/**
 * Takes a request out of the budget of its account, as soon as there is one, and a place among those that are under way; null where these are not
 * counted.
 */
export const admitted = async (settings: Settings, lane: Lane, call: Call): Promise<Place | null> => {
  if (!isNarrow(lane)) {
    await turn(settings, lane, call);
    return null;
  }
  const { enter, random } = settings;
  for (;;) {
    const place = await enter(lane);
    if (place !== null && typeof place !== 'number') return place;
    await rest(place ?? PLACE_LOOKED_FOR * (1 + random()), call);
  }
};
