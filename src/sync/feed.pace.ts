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
const ROOM = 1_000;

/** The same while no other person's calendars are read: waiting would make a first reading slower and no other one faster. */
const ROOM_ALONE = 6_000;

/**
 * What a person may bring among others within a minute before their runs rest: a large first reading. Beyond it they rest for as long as the
 * projection took over what they brought last, so that half of its time is left to everybody else.
 */
const ALLOWANCE = 20_000;

/** Milliseconds after which another person's last chunk is forgotten, and in which all of an allowance comes back. */
const COMPANY = MINUTE;

/** Milliseconds between two looks at how far the projection is. */
const LOOK = 25;

/** Where the projection does not move for so long, it is stopped or away: nothing is gained by waiting for it. */
const STUCK = 5 * SECOND;

/** Milliseconds. */
const LONGEST_REST = SECOND;

/** Of more people than this nothing is remembered without looking what can be read by now. */
const MOST_PEOPLE = 1_000;

type Entry = { readonly weight: number; position: Position | null };
/** `brought`: how much of their allowance they had taken at `broughtAt`. */
type Person = { readonly entries: Set<Entry>; waiting: number; brought: number; broughtAt: number };

const isRoomFor = ({ entries }: Person, weight: number, room: number): boolean =>
  entries.size === 0 || [...entries].reduce((sum, entry) => sum + entry.weight, weight) <= room;

/** How much of their allowance a person has taken, now that some of it has come back. */
const takenBy = ({ brought, broughtAt }: Person, allowance: number): number =>
  Math.max(0, brought - ((performance.now() - broughtAt) / COMPANY) * allowance);

const forget = (entries: Set<Entry>, seen: Position | null): void => {
  for (const entry of entries) if (entry.position !== null && seen !== null && entry.position <= seen) entries.delete(entry);
};

/** What is known of each person, and how far the projection is. */
const watch = (reached: () => Promise<Position | null>, allowance: number) => {
  const people = new Map<string, Person>();
  const shared = sharedAnswer(LOOK / 2, () => performance.now(), reached);
  const look = async (): Promise<Position | null> => {
    const seen = await shared();
    for (const [userId, person] of people) {
      forget(person.entries, seen);
      if (person.entries.size === 0 && person.waiting === 0 && takenBy(person, allowance) === 0) people.delete(userId);
    }
    return seen;
  };
  const personOf = async (userId: string): Promise<Person> => {
    if (people.size > MOST_PEOPLE) await look();
    const person = people.get(userId) ?? { entries: new Set(), waiting: 0, brought: 0, broughtAt: 0 };
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

/** Milliseconds, until `signal` goes off. */
type Rest = (milliseconds: number, signal: AbortSignal) => Promise<void>;

const resting: Rest = (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** As many rows as may wait for the projection of each person, among others and alone, and as many as a person may bring within a minute. */
type Rooms = Readonly<{ among: number; alone: number; allowance: number }>;

const ROOMS: Rooms = { among: ROOM, alone: ROOM_ALONE, allowance: ALLOWANCE };

/** How a chunk waits until there is room for it: `stuck` in milliseconds. Both end with the room taken, so that no two who wait take the same. */
const waiting = (look: () => Promise<Position | null>, { among, alone, allowance }: Rooms, stuck: number, rest: Rest) => {
  /** Where the projection was when it was waited for in vain. */
  let stuckAt: Position | null | undefined;

  const take = async (person: Person, entry: Entry, room: number, signal: AbortSignal): Promise<void> => {
    let [last, since]: [Position | null | undefined, number] = [undefined, 0];
    while (!isRoomFor(person, entry.weight, room)) {
      const seen = await look();
      if (seen !== last) [last, since] = [seen, performance.now()];
      else if (performance.now() - since > stuck) stuckAt = seen;
      if (isRoomFor(person, entry.weight, room) || signal.aborted || seen === stuckAt) break;
      await resting(LOOK, signal);
    }
    person.entries.add(entry);
  };

  return {
    alone: (person: Person, entry: Entry, signal: AbortSignal): Promise<void> => take(person, entry, alone, signal),
    /** Who has brought more than their allowance then rests for as long as they waited. */
    among: async (person: Person, entry: Entry, signal: AbortSignal): Promise<void> => {
      const began = performance.now();
      await take(person, entry, among, signal);
      const taken = takenBy(person, allowance);
      Object.assign(person, { brought: taken + entry.weight, broughtAt: performance.now() });
      if (taken > allowance) await rest(Math.min(performance.now() - began, LONGEST_REST), signal);
    },
  };
};

/** `reached`: how far the projection of occurrences is. `stuck`: milliseconds after which a projection that does not move is waited for no more. */
export const pace = (reached: () => Promise<Position | null>, rooms: Rooms = ROOMS, stuck = STUCK, rest = resting): Pace => {
  const { look, personOf } = watch(reached, rooms.allowance);
  const take = waiting(look, rooms, stuck, rest);
  const isAmongOthers = company();
  return {
    enter: async (userId, weight, signal) => {
      const person = await personOf(userId);
      const entry: Entry = { weight, position: null };
      person.waiting += 1;
      await take[isAmongOthers(userId) ? 'among' : 'alone'](person, entry, signal).finally(() => {
        person.waiting -= 1;
      });
      return (position) => {
        if (position === null) person.entries.delete(entry);
        else entry.position = position;
      };
    },
  };
};
