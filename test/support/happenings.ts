import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { factsOf, relayingEvents } from '../../src/app/relaying.js';
import { notFollowing, runFollower } from '../../src/infra/postgres/follower.runner.js';
import { HOLD_PROJECTION } from '../../src/kernel/clean-up.js';
import { recordCalendarChanges } from '../../src/merged-events/changes/changes.rows.js';
import { endOfChanges } from '../../src/merged-events/changes/changes.sql.js';
import { mergedEventsRuns } from '../../src/merged-events/merged-events.runs.js';
import { eventsFollower } from '../../src/relay/events.follower.js';
import { replay, type Replayed } from '../../src/relay/relay.replay.js';
import { append, at, broker, type Broker, held, mirrored, revoke, synced } from './relaying.js';
import { eventually, SILENT } from './store.js';
import { type Adopted, adopted, lunch, projected, stores } from './synced-calendar.js';

const EVENTS = 'juy.calendar.events.v1';

/** Publishes a topic again, as an operator does. */
export const again = async (topic: string, replayed: Replayed, publisher = broker()): Promise<Broker> => {
  const { database, store } = stores;
  const clock = { now: () => Date.now() };
  const publishing = { publisher, onPublished: () => undefined };
  const relaying = await relayingEvents({ database, store, clock, log: SILENT }, publishing);
  const ports = {
    ...publishing,
    database,
    store,
    clock,
    facts: factsOf({ store }),
    ...(await mergedEventsRuns.told())(database),
    relaying,
  };
  const { count, of } = await replay(topic, replayed, { ...ports, signal: new AbortController().signal });
  if (of === 'messages') expect(publisher.messages.length).toBe(count);
  return publisher;
};

/** What may happen to one of three calendars, `n` being one of its events; or to the relay. */
const STEPS = [
  'put',
  'put',
  'put',
  'take',
  'take',
  'see',
  'see',
  'tell',
  'tell',
  'tell',
  'replay',
  'replay',
  'revoke',
  'hold',
  'hold',
  'hold',
  'restart',
  'build',
  'fault',
] as const;
export const step = fc.record({ kind: fc.constantFrom(...STEPS), which: fc.nat(2), n: fc.nat(9) });
export type Step = Readonly<{ kind: (typeof STEPS)[number]; which: number; n: number }>;

/** Has a calendar be told whole, as when too much of it has changed. */
const tell = ({ userId, calendarId }: Adopted): Promise<void> =>
  stores.database.transaction(async (sql) => {
    await sql.query(HOLD_PROJECTION, ['user_calendar_events']);
    const { position } = await endOfChanges(sql, 0);
    const [shown] = await sql.query('select 1 from event_calendars where calendar_id = $1 and visible and whole', [calendarId]);
    if (shown !== undefined) await recordCalendarChanges(sql, { userId, position: position + 1n, at }, 'calendar-changed', [calendarId]);
  });

/** As after a rebuild whose changes do not tell what became of what was there. */
const buildAgain = (): Promise<unknown> =>
  stores.database.transaction(async (sql) => {
    await sql.query(`select set_config('calendar.meaning', meaning::text, true) from checkpoint where name = 'user_calendar_events'`);
    return sql.query(`update checkpoint set begun_at = clock_timestamp() where name = 'user_calendar_events'`);
  });

/** The relay of events, which tells calendars by two messages at a time. */
const slowRelay = async (publisher: Broker, failures: unknown[]) => {
  const { database, store } = stores;
  const told = (await mergedEventsRuns.told())(database);
  const ports = {
    publisher,
    onPublished: () => undefined,
    database,
    store,
    clock: { now: () => Date.now() },
    ...told,
    onWhole: () => undefined,
  };
  const follower = eventsFollower(ports, 2);
  const log = { ...SILENT, error: (_: string, error: unknown) => failures.push(error) };
  const start = () => {
    const aborting = new AbortController();
    const pauses = { standingBy: 5, failed: 5, unknown: 5 };
    const ended = runFollower({ database, store, log }, follower, notFollowing(follower.name), aborting.signal, pauses);
    return async (): Promise<void> => {
      aborting.abort();
      await ended;
    };
  };
  let stop = start();
  const restart = async (): Promise<void> => {
    await stop();
    stop = start();
  };
  return { restart, stop: () => stop() };
};

const isToldAll = async (): Promise<boolean> => {
  const [row] = await stores.database.query<{ done: boolean }>(
    `select not exists (select 1 from telling) and
       (select r.position >= m.position and r.begun_at is not distinct from m.begun_at from checkpoint r, checkpoint m
        where r.name = 'relay_events' and m.name = 'user_calendar_events') as done`,
  );
  return row?.done === true;
};

/** Does what happens to calendars and the relay, and answers once nothing of it is left to be done. */
export const happen = async (steps: readonly Step[], isFaulty: boolean, calendars: Adopted[], publisher: Broker): Promise<void> => {
  const [visible, replays, failures] = [[true, true, true], [] as Promise<unknown>[], [] as unknown[]];
  const running = await slowRelay(publisher, failures);
  let goOn: (() => void) | null = null;
  const does: Readonly<Record<Step['kind'], (calendar: Adopted, step: Step) => unknown>> = {
    put: async (calendar, { n }) => {
      calendar.account.put(lunch(`event-0${n}`, 1 + n, randomUUID()));
      await synced(calendar);
    },
    take: async (calendar, { n }) => {
      calendar.account.remove(`event-0${n}`);
      await synced(calendar);
    },
    see: (calendar, { which }) => append(calendar, { type: 'VisibilitySet', visible: (visible[which] = visible[which] !== true), at }),
    tell,
    replay: ({ userId, calendarId }, { n }) => {
      const replayed = n > 4 ? { userId, calendarId: null } : { userId: null, calendarId };
      // One that fails with the broker has asked for everything already.
      replays.push(again(EVENTS, replayed, publisher).catch((error: unknown) => (isFaulty ? null : Promise.reject(error as Error))));
    },
    build: buildAgain,
    revoke: async (calendar, { which }) => {
      if (which !== 2) return;
      await revoke(calendar);
      [calendars[2], visible[2]] = [await adopted(), true];
    },
    hold: () => {
      goOn?.();
      goOn = goOn === null ? publisher.pauseAt((value) => value.includes('.present.')) : null;
    },
    restart: () => (isFaulty && goOn === null ? running.restart() : null),
    fault: (_, { n }) => (isFaulty ? publisher.failures.push(n > 4 ? 'refused' : 'unanswered') : null),
  };
  try {
    for (const each of steps) await does[each.kind](calendars[each.which] as Adopted, each);
    (goOn as (() => void) | null)?.();
    await projected();
    await Promise.all(replays);
    for (const calendar of calendars) await mirrored(publisher, calendar, (await held(calendar)).size);
    await eventually('all is told', isToldAll);
  } finally {
    (goOn as (() => void) | null)?.();
    await running.stop();
  }
  if (!isFaulty) expect(failures).toEqual([]);
};
