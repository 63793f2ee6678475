import { type Movable } from './cast/cast.js';
import { moved, oneOf } from './cast/diary.js';
import { type Entry } from './cast/entry.js';

const SHIFTS = [-30, -15, 15, 30] as const;

/** How a simulator of a vendor holds an entry of the cast. `mark`: changes with every change of it; null when it is not there any more. */
export type Held = Readonly<{ mark: (movable: Movable) => string | number | null; put: (movable: Movable, entry: Entry) => void }>;

/** Now and then somebody moves a meeting by a quarter or half an hour; what a test or a client changed or deleted is left to them. */
export const restless = (movables: readonly Movable[], { mark, put }: Held, chance: () => number): (() => void) => {
  const last = new Map<Movable, string | number>();
  let sequence = 0;
  return () => {
    const [first, ...others] = movables;
    if (first === undefined) return;
    const movable = oneOf(chance, [first, ...others]);
    const now = mark(movable);
    if (now === null || now !== (last.get(movable) ?? now)) return;
    sequence += 1;
    put(movable, moved(movable.entry, oneOf(chance, SHIFTS), sequence));
    last.set(movable, mark(movable) ?? now);
  };
};
