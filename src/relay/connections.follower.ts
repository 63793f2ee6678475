import { type CalendarEvent } from '../calendar/calendar.js';
import { connectionCodec } from '../connection/connection.codec.js';
import { type ConnectionEvent } from '../connection/connection.js';
import { EngineAway } from '../kernel/engine-away.js';
import { type EventStore, type Recorded, UnknownEvent, UnreadableEvent } from '../kernel/event-store.js';
import { type Follower, type Source } from '../kernel/follower.js';
import { type Sql } from '../kernel/sql.js';
import { type AccountFact, type FollowedFact } from './account-facts.codec.js';
import { adoptionCodec } from './adopted-calendars.reader.js';
import { toldOfCalendar, toldOfConnection } from './connection-messages.js';
import { CONNECTIONS_TOPIC } from './connections.contract.js';
import { MOST, outbox } from './outbox.js';
import { readAhead } from './read-ahead.source.js';
import { type Publishing } from './relay.ports.js';
import { type Told } from './told.js';

/** `setAside`: notes that a fact of a calendar is told to no consumer, because it cannot be read. */
type Ports = Publishing &
  Readonly<{
    store: Pick<EventStore, 'load'>;
    facts: Source<FollowedFact>;
    setAside: (sql: Sql, fact: UnreadableEvent) => Promise<void>;
  }>;

type Whose = Readonly<{ userId: string; connectionId: string }>;

/** Calendars whose connections are remembered, the newest of them: a few megabytes. */
const REMEMBERED = 20_000;

const isUnreadable = (fact: FollowedFact): fact is UnreadableEvent => fact instanceof UnreadableEvent;

const isOfConnection = (fact: Recorded<AccountFact>): fact is Recorded<ConnectionEvent> => fact.stream.startsWith('connection-');

/** The connection a calendar was adopted with, remembered or read. */
const connectionsOfCalendars = (store: Pick<EventStore, 'load'>) => {
  const known = new Map<string, Whose>();
  const remember = (stream: string, { userId, connectionId }: Whose): Whose => {
    const whose = { userId, connectionId };
    known.set(stream, whose);
    const [oldest] = known.size > REMEMBERED ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    return whose;
  };
  return async ({ stream, event }: Recorded<AccountFact>): Promise<Whose> => {
    if (event.type === 'CalendarAdopted') return remember(stream, event);
    const found = known.get(stream);
    if (found !== undefined) return found;
    const adoption = (await store.load(stream, adoptionCodec)).find((each) => each.type === 'CalendarAdopted');
    if (adoption === undefined) throw new Error('a calendar has facts and was never adopted');
    return remember(stream, adoption);
  };
};

/** Every calendar that a connection's account was found to hold. */
const everFound = async (store: Pick<EventStore, 'load'>, stream: string): Promise<readonly string[]> => {
  const events = await store.load(stream, connectionCodec);
  const found = events.flatMap((event) => (event.type === 'CalendarsDiscovered' ? event.calendars : []));
  return [...new Set(found.map(({ calendarId }) => calendarId))];
};

/** Tells facts in words of the public; null: nothing. An `UnreadableEvent` it is handed, or makes where nothing says whose calendar it is, comes back. */
export const accountTeller = (store: Pick<EventStore, 'load'>) => {
  const whoseIs = connectionsOfCalendars(store);
  return async (fact: FollowedFact): Promise<Told | UnreadableEvent | null> => {
    if (isUnreadable(fact)) return fact;
    if (isOfConnection(fact))
      return toldOfConnection(fact, fact.event.type === 'ConnectionRevoked' ? await everFound(store, fact.stream) : []);
    try {
      return toldOfCalendar(fact as Recorded<CalendarEvent>, await whoseIs(fact));
    } catch (error) {
      if (error instanceof EngineAway || error instanceof UnknownEvent) throw error;
      return new UnreadableEvent(fact.stream, fact.position, fact.recordedAt, error);
    }
  };
};

/**
 * Publishes what becomes of connections and their calendars to `juy.calendar.connections.v1`. The checkpoint moves once the broker has the messages. A fact of one
 * calendar that cannot be read is noted with the checkpoint and stops nothing; one of a connection, which says what may be read at all, stops it.
 */
export const connectionsFollower = ({ publisher, onPublished, store, facts, setAside }: Ports): Follower<FollowedFact> => {
  const tell = accountTeller(store);
  return {
    name: 'relay_connections',
    kind: 'relay',
    meaning: 1,
    source: readAhead(facts, MOST),
    handle: async (items, { commit, isOver }) => {
      const out = outbox(publisher, CONNECTIONS_TOPIC, (count) => {
        onPublished(CONNECTIONS_TOPIC, count);
      });
      const aside: UnreadableEvent[] = [];
      let count = 0;
      for (const fact of items) {
        const told = await tell(fact);
        if (told instanceof UnreadableEvent) aside.push(told);
        else if (told !== null) await out.add(told);
        count += 1;
        if (isOver()) break;
      }
      await out.flush();
      return commit(async (sql) => {
        for (const fact of aside) await setAside(sql, fact);
        return count;
      });
    },
  };
};
