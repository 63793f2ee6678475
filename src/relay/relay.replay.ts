import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, instant } from '../kernel/clock.js';
import { type EventStore, type Position, type RawEvent } from '../kernel/event-store.js';
import { type Placed, rawLog, type Source } from '../kernel/follower.js';
import { type Database } from '../kernel/sql.js';
import { type FollowedFact } from './account-facts.codec.js';
import { adoptedCalendars } from './adopted-calendars.reader.js';
import { AUDIT_TOPIC } from './audit.contract.js';
import { toldOfEvent } from './audit-messages.js';
import { accountTeller } from './connections.follower.js';
import { CONNECTIONS_TOPIC } from './connections.contract.js';
import { EVENTS_TOPIC } from './events.contract.js';
import { type Outbox, outbox } from './outbox.js';
import { type MergedCalendar, type Owned, type Publishing } from './relay.ports.js';
import { type Told } from './told.js';
import { FIRST_PLACE } from './telling.js';
import { tellings } from './tellings.rows.js';
import { askForAll } from './whole-calendars.asking.js';

/** What is published again; null: of every calendar, of every person. */
export type Replayed = Readonly<{ calendarId: string | null; userId: string | null }>;

type Ports = Publishing &
  Readonly<{
    store: EventStore;
    clock: Clock;
    facts: Source<FollowedFact>;
    database: Database;
    merged: MergedCalendar;
    /** Publishes what changes until aborted, unless another process does so already. `check` throws what it fails at. */
    relaying: (signal: AbortSignal) => Readonly<{ ended: Promise<void>; check: () => void }>;
    signal: AbortSignal;
  }>;

/** Milliseconds between two looks at what is still to be told. */
const PAUSE = 100;

/** What was published again. */
export type Published = Readonly<{ count: number; of: 'messages' | 'calendars' }>;

/**
 * Takes everything a source has after a position. When all of it has been published the source is asked again, until nothing is new: what the service itself
 * published meanwhile is then published behind it once more, so that no consumer ends with something older.
 */
const toItsEnd = async <T extends Placed>(
  source: Source<T>,
  from: Position | null,
  take: (items: readonly T[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  let position = from;
  for (let isOver = false; !isOver;) {
    let count = 0;
    for await (const batch of source(position, signal)) {
      signal.throwIfAborted();
      await take(batch.items);
      count += batch.items.length;
      position = batch.position ?? position;
      if (batch.live) break;
    }
    signal.throwIfAborted();
    isOver = count === 0;
  }
};

const isAbout = ({ data }: Told, { calendarId, userId }: Replayed): boolean => {
  const listed = data['calendarIds'];
  const ofCalendar = data['calendarId'] === calendarId || (Array.isArray(listed) && listed.includes(calendarId));
  return (calendarId === null || ofCalendar) && (userId === null || data['userId'] === userId);
};

const isAudited = ({ key, data }: Told, { calendarId, userId }: Replayed): boolean => {
  const { id } = data['stream'] as { id: string };
  return (calendarId === null || id === calendarId) && (userId === null || [key, data['actor'], data['subject']].includes(userId));
};

/** Publishes facts of accounts once more; one that cannot be read is told to no consumer, as at first. */
const replayConnections = async ({ store, facts, signal }: Ports, replayed: Replayed, out: Outbox): Promise<void> => {
  const tell = accountTeller(store);
  const take = async (items: readonly FollowedFact[]): Promise<void> => {
    for (const fact of items) {
      const told = await tell(fact);
      if (told !== null && !(told instanceof Error) && isAbout(told, replayed)) await out.add(told);
    }
    await out.flush();
  };
  await toItsEnd(facts, null, take, signal);
};

const replayAudit = async ({ store, signal }: Ports, replayed: Replayed, out: Outbox): Promise<void> => {
  const take = async (items: readonly RawEvent[]): Promise<void> => {
    for (const event of items) {
      const told = toldOfEvent(event);
      if (isAudited(told, replayed)) await out.add(told);
    }
    await out.flush();
  };
  await toItsEnd(rawLog(store), null, take, signal);
};

/**
 * Asks for calendars whole, and before each for its changes that are kept, under the ids they had; waits until the relay has told them. It alone publishes what is
 * about a calendar, so that all of it keeps its order.
 */
const replayEvents = async (ports: Ports, { calendarId, userId }: Replayed): Promise<number> => {
  const { database, merged, store, clock, signal } = ports;
  const position = await merged.end();
  if (position === null) return 0;
  const isWanted = (calendar: Owned): boolean =>
    (calendarId === null || calendar.calendarId === calendarId) && (userId === null || calendar.userId === userId);
  const rows = tellings(database);
  const wanted = { position, at: instant(clock.now()), told: FIRST_PLACE, isWanted };
  const nrs = await askForAll({ database, tellings: rows, merged }, adoptedCalendars(store, signal), wanted);
  const ending = new AbortController();
  const { ended, check } = ports.relaying(ending.signal);
  try {
    while ((await rows.left(nrs)) > 0) {
      check();
      await sleep(PAUSE, undefined, { signal });
    }
  } finally {
    ending.abort();
    await ended;
  }
  return nrs.length;
};

const REPLAYS: Readonly<Record<string, (ports: Ports, replayed: Replayed, out: Outbox) => Promise<void>>> = {
  [CONNECTIONS_TOPIC]: replayConnections,
  [AUDIT_TOPIC]: replayAudit,
};

/** The topics that can be published again. */
export const REPLAYABLE: readonly string[] = [...Object.keys(REPLAYS), EVENTS_TOPIC].sort();

/**
 * Publishes a topic again, beside the service that goes on publishing. Messages have the ids they had; those of whole calendars have ids of their own, because
 * they tell how a calendar is now. Answers what the broker has acknowledged.
 */
export const replay = async (topic: string, replayed: Replayed, ports: Ports): Promise<Published> => {
  if (topic === EVENTS_TOPIC) return { count: await replayEvents(ports, replayed), of: 'calendars' };
  let count = 0;
  const out = outbox(ports.publisher, topic, (acknowledged) => {
    count += acknowledged;
    ports.onPublished(topic, acknowledged);
  });
  await REPLAYS[topic]?.(ports, replayed, out);
  return { count, of: 'messages' };
};
