import { type Clock, instant } from '../kernel/clock.js';
import { type EventStore, type Position, type RawEvent } from '../kernel/event-store.js';
import { type Placed, rawLog, type Source } from '../kernel/follower.js';
import { type ChangesAt } from '../merged-events/changes/change-row.js';
import { type FollowedFact } from './account-facts.codec.js';
import { adoptedCalendars } from './adopted-calendars.reader.js';
import { AUDIT_TOPIC } from './audit.contract.js';
import { toldOfEvent } from './audit-messages.js';
import { tellCalendars } from './calendars.telling.js';
import { accountTeller } from './connections.follower.js';
import { CONNECTIONS_TOPIC } from './connections.contract.js';
import { toldOfChange } from './event-messages.js';
import { EVENTS_TOPIC } from './events.contract.js';
import { type Outbox, outbox } from './outbox.js';
import { type MergedCalendar, type Owned, type Publishing } from './relay.ports.js';
import { type Told } from './told.js';
import { uuidFor } from './uuid.hash.js';

/** What is published again; null: of every calendar, of every person. */
export type Replayed = Readonly<{ calendarId: string | null; userId: string | null }>;

type Ports = Publishing &
  Readonly<{
    store: EventStore;
    clock: Clock;
    facts: Source<FollowedFact>;
    changes: Source<ChangesAt>;
    merged: MergedCalendar;
    signal: AbortSignal;
  }>;

/** Whole calendars are told again where they changed meanwhile, so many times at most. */
const MOST_ROUNDS = 20;

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

/** The changes that are kept, under the ids they had; then calendars whole, as they are now, until none of them has changed meanwhile. */
const replayEvents = async (ports: Ports, { calendarId, userId }: Replayed, out: Outbox): Promise<void> => {
  const { changes, merged, store, clock, signal } = ports;
  const isWanted = (calendar: Owned): boolean =>
    (calendarId === null || calendar.calendarId === calendarId) && (userId === null || calendar.userId === userId);
  const rowsOf = (items: readonly ChangesAt[]) =>
    items
      .flatMap((item) => item.changes)
      .filter((row) => row.calendar_id !== null && isWanted({ calendarId: row.calendar_id, userId: row.user_id }));
  const again = async (items: readonly ChangesAt[]): Promise<void> => {
    for (const row of rowsOf(items)) {
      const told = toldOfChange(row, uuidFor);
      if (told !== null && 'told' in told) await out.add(told.told);
    }
    await out.flush();
  };
  if ((await merged.end()) === null) return;
  await toItsEnd(changes, null, again, signal);
  let among: ReadonlySet<string> | null = null;
  for (let round = 0; round < MOST_ROUNDS && among?.size !== 0; round += 1) {
    const position = (await merged.end()) ?? 0n;
    const only: ReadonlySet<string> | null = among;
    const means = { merged, outbox: out, uuidFor, signal };
    const isToldNow = (calendar: Owned): boolean => isWanted(calendar) && (only === null || only.has(calendar.calendarId));
    await tellCalendars(means, () => adoptedCalendars(store, signal), { position, at: instant(clock.now()), isWanted: isToldNow });
    await out.flush();
    const changed = new Set<string>();
    const note = (items: readonly ChangesAt[]): Promise<void> => {
      for (const row of rowsOf(items)) changed.add(row.calendar_id ?? '');
      return Promise.resolve();
    };
    await toItsEnd(changes, position, note, signal);
    among = changed;
  }
};

const REPLAYS: Readonly<Record<string, (ports: Ports, replayed: Replayed, out: Outbox) => Promise<void>>> = {
  [CONNECTIONS_TOPIC]: replayConnections,
  [EVENTS_TOPIC]: replayEvents,
  [AUDIT_TOPIC]: replayAudit,
};

/** The topics that can be published again. */
export const REPLAYABLE: readonly string[] = Object.keys(REPLAYS);

/**
 * Publishes a topic again, beside the service that goes on publishing. Messages have the ids they had; those of whole calendars have ids of their own, because
 * they tell how a calendar is now. Answers how many messages the broker has acknowledged.
 */
export const replay = async (topic: string, replayed: Replayed, ports: Ports): Promise<number> => {
  let count = 0;
  const out = outbox(ports.publisher, topic, (acknowledged) => {
    count += acknowledged;
    ports.onPublished(topic, acknowledged);
  });
  await REPLAYS[topic]?.(ports, replayed, out);
  return count;
};
