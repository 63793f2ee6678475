import { expect } from '@jest/globals';
import { relaying } from '../../src/app/relaying.js';
import { type Runtime } from '../../src/app/runtime.js';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { type Message } from '../../src/kernel/broker.js';
import { toldEvent, type ToldRow } from '../../src/merged-events/told-event.js';
import { NOW } from './builders.js';
import { type MirroredEvent, mirror } from './mirror.js';
import { eventually, metadata, SILENT } from './store.js';
import { type Adopted, projected, stores, sync } from './synced-calendar.js';

export const at = new Date(NOW).toISOString();

export type Value = Readonly<{ id: string; type: string; data: Readonly<Record<string, unknown>> }>;

/** A broker in memory. What it is told to refuse it does not have; what it is told to lose the answer of it has. It may be paused once, at a message. */
export const broker = () => {
  const messages: (Message & Readonly<{ topic: string; value: string }>)[] = [];
  const failures: ('refused' | 'unanswered')[] = [];
  let [isPlace, goOn, arrive] = [(() => false) as (value: string) => boolean, (): void => undefined, (): void => undefined];
  let [going, arrived] = [Promise.resolve(), Promise.resolve()];
  const stopThere = (published: readonly Message[]): Promise<void> => {
    if (!published.some(({ value }) => isPlace(value ?? ''))) return Promise.resolve();
    isPlace = () => false;
    arrive();
    return going;
  };
  return {
    failures,
    messages,
    /** Lets it answer nothing once it has a message of which `isPlace` holds. Answers what lets it go on. */
    pauseAt: (is: (value: string) => boolean): (() => void) => {
      isPlace = is;
      going = new Promise((resolve) => (goOn = resolve));
      arrived = new Promise((resolve) => (arrive = resolve));
      return goOn;
    },
    /** Resolves once it has come to the place where it pauses. */
    paused: (): Promise<void> => arrived,
    of: (topic: string, about: string): readonly Value[] =>
      messages.filter((each) => each.topic === topic && each.value.includes(about)).map(({ value }) => JSON.parse(value) as Value),
    publish: async (topic: string, published: readonly Message[]): Promise<void> => {
      const failure = failures.shift();
      if (failure === 'refused') throw new Error('the broker is away');
      messages.push(...published.map(({ value, ...message }) => ({ ...message, topic, value: value ?? '' })));
      await stopThere(published);
      if (failure === 'unanswered') throw new Error('the answer was lost');
    },
  };
};
export type Broker = ReturnType<typeof broker>;

/** The relay's followers, all or one of them. `later`: how far their present is behind the real one, in milliseconds. */
export const relay = async (publisher: Broker, only: string | null = null, later = 0) => {
  const [health, metrics, aborting] = [healthRegistry(), prometheusMetrics(), new AbortController()];
  const { database, store } = stores;
  const clock = { now: () => Date.now() + later };
  const works = await relaying({ database, store, clock, metrics, log: SILENT, kafka: null } as unknown as Runtime, publisher, health);
  const running = [...works].filter(([name]) => only === null || name === only).map(([, work]) => work(aborting.signal));
  const stop = async (): Promise<void> => {
    aborting.abort();
    await Promise.all(running);
  };
  return { stop, health, metrics };
};

export const append = async ({ calendarId }: Adopted, event: CalendarEvent): Promise<void> => {
  await stores.store.append(`calendar-${calendarId}`, null, [event], calendarCodec, metadata());
};

export const appendTo = async (connectionId: string, event: ConnectionEvent): Promise<void> => {
  await stores.store.append(`connection-${connectionId}`, null, [event], connectionCodec, metadata());
};

export const revoke = ({ userId, connectionId }: Adopted): Promise<void> =>
  appendTo(connectionId, { type: 'ConnectionRevoked', userId, provider: 'caldav', at });

/** What a person's merged calendar holds, as the topic tells it. */
export const held = async ({ userId }: Adopted): Promise<ReadonlyMap<string, MirroredEvent>> => {
  await projected();
  const rows = await stores.database.query<ToldRow & { calendar_id: string }>(
    'select e.* from user_calendar_events e join event_calendars k using (calendar_id) where e.user_id = $1 and k.visible',
    [userId],
  );
  return new Map(rows.map((row) => [`${row.calendar_id} ${toldEvent(row).id}`, toldEvent(row)]));
};

/** Events as a text, equal where they are. */
export const inOrder = (events: ReadonlyMap<string, MirroredEvent>): string =>
  JSON.stringify([...events].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Waits until a consumer of all that was published holds what the merged calendar does, and it is so many events. `from`: the first message it reads. */
export const mirrored = async ({ messages }: Pick<Broker, 'messages'>, calendar: Adopted, count: number, from = 0): Promise<void> => {
  const expected = await held(calendar);
  expect(expected.size).toBe(count);
  const [consumer, all] = [mirror(), inOrder(expected)];
  let read = from;
  await eventually('the consumer holds what the merged calendar does', () => {
    for (const { topic, value } of messages.slice(read)) if (topic === 'juy.calendar.events.v1') consumer.take(value);
    read = messages.length;
    return inOrder(consumer.eventsOf(calendar.userId)) === all;
  });
};

export const typesOf = (values: readonly Value[]): readonly string[] =>
  values.map(({ type }) => type.replace(/^juy[.]calendar[.]\w+[.](.+)[.]v1$/, '$1'));

export const synced = async (calendar: Adopted): Promise<void> => {
  await sync(calendar);
  await projected();
};
