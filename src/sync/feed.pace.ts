import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../kernel/clock.js';
import { type Position } from '../kernel/event-store.js';
import { sharedAnswer } from '../kernel/shared-answer.js';

/** A chunk that was given room in the log. Told where it was appended; null when it was not. */
export type Admitted = (position: Position | null) => void;

/**
 * Lets the runs of one person append no more than is soon taken in. The log has one order, so what one person's calendars bring stands before what
 * comes after it of everybody else: a run waits until most of what its person's runs appended before can be read.
 */
export type Pace = Readonly<{
  /** Resolves when a chunk of that weight (as many as it writes rows, about) may be appended; at once when `signal` goes off, or nothing moves. */
  enter: (userId: string, weight: number, signal: AbortSignal) => Promise<Admitted>;
}>;

/** What a person's runs may have appended that cannot be read yet: a fraction of a second of the projection's time. */
const ROOM = 1_500;

/** The same while no other person's calendars are read: waiting would make a first reading slower and no other one faster. */
const ROOM_ALONE = 6_000;

/** Milliseconds after which another person's last chunk is forgotten. */
const COMPANY = MINUTE;

/** Milliseconds between two looks at how far the projection is. */
const LOOK = 25;

/** Where the projection does not move for so long, it is stopped or away: nothing is gained by waiting for it. */
const STUCK = 5 * SECOND;

/** Of more people than this nothing is remembered without looking what can be read by now. */
const MOST_PEOPLE = 1_000;

type Entry = { readonly weight: number; position: Position | null };
type Person = { readonly entries: Set<Entry>; waiting: number };

const isRoomFor = ({ entries }: Person, weight: number, room: number): boolean =>
  entries.size === 0 || [...entries].reduce((sum, entry) => sum + entry.weight, weight) <= room;

const forget = (entries: Set<Entry>, seen: Position | null): void => {
  for (const entry of entries) if (entry.position !== null && seen !== null && entry.position <= seen) entries.delete(entry);
};

/** What is known of each person, and how far the projection is. */
const watch = (reached: () => Promise<Position | null>) => {
  const people = new Map<string, Person>();
  const shared = sharedAnswer(LOOK / 2, () => performance.now(), reached);
  const look = async (): Promise<Position | null> => {
    const seen = await shared();
    for (const [userId, { entries, waiting }] of people) {
      forget(entries, seen);
      if (entries.size === 0 && waiting === 0) people.delete(userId);
    }
    return seen;
  };
  const personOf = async (userId: string): Promise<Person> => {
    if (people.size > MOST_PEOPLE) await look();
    const person = people.get(userId) ?? { entries: new Set(), waiting: 0 };
    people.set(userId, person);
    return person;
  };
  return { look, personOf };
};

/** Whether the chunks of the last minute came from more than one person. */
const company = () => {
  let [last, met]: [string | null, number] = [null, -Infinity];
  return (userId: string): boolean => {
    if (last !== null && last !== userId) met = performance.now();
    last = userId;
    return performance.now() - met < COMPANY;
  };
};

/**
 * `reached`: how far the projection of occurrences is. `rooms`: as many rows as may wait for it of each person, among others and alone; `stuck` in
 * milliseconds.
 */
export const pace = (
  reached: () => Promise<Position | null>,
  rooms: Readonly<{ among: number; alone: number }> = { among: ROOM, alone: ROOM_ALONE },
  stuck = STUCK,
): Pace => {
  const { look, personOf } = watch(reached);
  const isAmongOthers = company();
  /** Where the projection was when it was waited for in vain. */
  let stuckAt: Position | null | undefined;

  /** Ends with the room taken, so that no two who wait take the same. */
  const take = async (person: Person, entry: Entry, room: number, signal: AbortSignal): Promise<void> => {
    let [last, since]: [Position | null | undefined, number] = [undefined, 0];
    while (!isRoomFor(person, entry.weight, room)) {
      const seen = await look();
      if (seen !== last) [last, since] = [seen, performance.now()];
      else if (performance.now() - since > stuck) stuckAt = seen;
      if (isRoomFor(person, entry.weight, room) || signal.aborted || seen === stuckAt) break;
      await sleep(LOOK, undefined, { signal }).catch(() => undefined);
    }
    person.entries.add(entry);
  };

  return {
    enter: async (userId, weight, signal) => {
      const person = await personOf(userId);
      const entry: Entry = { weight, position: null };
      person.waiting += 1;
      await take(person, entry, isAmongOthers(userId) ? rooms.among : rooms.alone, signal).finally(() => {
        person.waiting -= 1;
      });
      return (position) => {
        if (position === null) person.entries.delete(entry);
        else entry.position = position;
      };
    },
  };
};
