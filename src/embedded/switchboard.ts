import { chanceOf } from './cast/diary.js';

/**
 * A fault that is switched on, for the next so many times it applies (null: until it is switched off), or in a share of all cases, from 0 to 1 (null, and
 * where a sandbox knows no shares: in all of them).
 */
type Ordered = Readonly<{ fault: string; times: number | null; share?: number | null }>;

/** The faults of one sandbox; `P` says where a request goes. */
export type Switchboard<F extends Ordered, P> = Readonly<{
  list: () => readonly F[];
  add: (fault: F) => void;
  clear: () => void;
  /** The fault of that name for that place, counted as having happened once; null when there is none. */
  take: <N extends F['fault']>(name: N, place: P) => Extract<F, Readonly<{ fault: N }>> | null;
}>;

export const switchboard = <F extends Ordered, P>(applies: (fault: F, place: P) => boolean): Switchboard<F, P> => {
  const chance = chanceOf(1);
  let faults: readonly F[] = [];
  return {
    list: () => faults,
    add: (fault) => {
      faults = [...faults, fault];
    },
    clear: () => {
      faults = [];
    },
    take: <N extends F['fault']>(name: N, place: P) => {
      const found = faults.find((each) => each.fault === name && applies(each, place) && chance() < (each.share ?? 1));
      const times = found?.times ?? null;
      if (found !== undefined && times !== null) {
        const left = times === 1 ? [] : [{ ...found, times: times - 1 }];
        faults = faults.flatMap((each) => (each === found ? left : [each]));
      }
      return (found ?? null) as Extract<F, Readonly<{ fault: N }>> | null;
    },
  };
};
