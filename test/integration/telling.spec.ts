import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { REPLAYABLE } from '../../src/relay/relay.replay.js';
import { RELAY_TOPICS } from '../../src/relay/topics.contract.js';
import { again, happen, step, type Step } from '../support/happenings.js';
import { disorderIn, mirror } from '../support/mirror.js';
import { testEndings } from '../support/opened.js';
import { append, at, broker, type Broker, held, inOrder, mirrored, relay as started, revoke, synced } from '../support/relaying.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';
import { type Adopted, adopted, adoptedTwo, lunch, many, startSyncing, stopSyncing, stores } from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);
const atEnd = testEndings();

const relay = async (...of: Parameters<typeof started>) => {
  const running = await started(...of);
  atEnd(running.stop);
  return running;
};

const EVENTS = 'juy.calendar.events.v1';

/** Adds so many events to what a calendar shows, as if they had always been there. */
const fill = async ({ calendarId }: Adopted, count: number): Promise<void> => {
  await stores.database.query(
    `insert into user_calendar_events select (json_populate_record(e, json_build_object('series', 'many-' || n))).*
     from user_calendar_events e, generate_series(1, $2::int) n
     where calendar_id = $1 and series = (select min(series) from user_calendar_events where calendar_id = $1)`,
    [calendarId, count],
  );
};

describe('A calendar that is told whole', () => {
  /** Many more than are told at once. */
  const MANY = 6_000;
  /** Messages that may be told before what another person changed meanwhile. */
  const BOUND = 3_000;

  it('lets what others change go past it, however large it is', async () => {
    const publisher = broker();
    const [large, other] = [await adopted(), await adopted()];
    for (const each of [large, other]) {
      each.account.put(lunch('lunch'));
      await synced(each);
    }
    const { metrics } = await relay(publisher, 'relay_events');
    await mirrored(publisher, large, 1);
    await mirrored(publisher, other, 1);
    await append(large, { type: 'VisibilitySet', visible: false, at });
    await mirrored(publisher, large, 0);
    await fill(large, MANY);
    const goOn = publisher.pauseAt((value) => value.includes('.present.') && value.includes(large.calendarId));
    await append(large, { type: 'VisibilitySet', visible: true, at });
    await publisher.paused();
    expect(await metrics.page()).toContain('relay_calendars_to_tell 1\n');
    other.account.put(lunch('dinner', 2));
    await synced(other);
    const before = publisher.messages.length;
    goOn();
    await mirrored(publisher, other, 2);
    const told = publisher.messages.findIndex(
      ({ value }, index) => index >= before && value.includes('.added.') && value.includes(other.calendarId),
    );
    expect(told - before).toBeLessThan(BOUND);
    await mirrored(publisher, large, MANY + 1);
    await eventually('nothing is left to tell', async () => (await metrics.page()).includes('relay_calendars_to_tell 0\n'));
    await revoke(large);
    await mirrored(publisher, large, 0);
  });
});

describe('A consumer that knows only the topic', () => {
  const play = async (steps: readonly Step[], isFaulty: boolean): Promise<void> => {
    const publisher = broker();
    const calendars: Adopted[] = [...(await adoptedTwo()), await adopted()];
    for (const calendar of calendars) {
      calendar.account.put(...many(8));
      await synced(calendar);
    }
    await happen(steps, isFaulty, calendars, publisher);
    const values = publisher.messages.map(({ value }) => value);
    // One has read some of it twice, and one remembers no ids.
    const [twice, forgetful] = [mirror(), mirror(false)];
    for (const value of [...values.slice(0, values.length / 2), ...values.slice(values.length / 3)]) twice.take(value);
    for (const value of values) forgetful.take(value);
    for (const calendar of calendars)
      for (const consumer of [twice, forgetful]) expect(inOrder(consumer.eventsOf(calendar.userId))).toBe(inOrder(await held(calendar)));
    if (!isFaulty) expect(disorderIn(values)).toBeNull();
  };

  it('holds what the merged calendar does, however calendars are changed, hidden, shown, told whole, revoked and replayed, and the relay fails', async () => {
    const happenings = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 20 }), fc.boolean(), play);
    await fc.assert(happenings, { numRuns: strength(3, 40), endOnFailure: true });
  });
});

describe('A replay', () => {
  it('is there for every public topic', () => {
    expect([...REPLAYABLE].sort()).toEqual(RELAY_TOPICS.map(({ topic }) => topic).sort());
  });

  it('publishes a topic again under the same ids, all of it, or that of one person or calendar', async () => {
    const live = broker();
    const calendar = await adopted();
    const { userId, calendarId } = calendar;
    await append(calendar, { type: 'WriteToggled', mode: 'write', at });
    await revoke(calendar);
    await relay(live);
    for (const topic of ['juy.calendar.connections.v1', 'juy.calendar.audit.v1']) {
      await eventually('all of it is published', async () => {
        const [row] = await stores.database.query<{ done: boolean }>(
          `select min(position) >= $1 as done from checkpoint where name in ('relay_connections', 'relay_audit')`,
          [(await stores.store.head())?.position],
        );
        return row?.done;
      });
      const idsOf = ({ messages }: Broker, about: string): readonly string[] => [
        ...new Set(messages.filter((each) => each.topic === topic && each.value.includes(about)).map(({ id }) => id)),
      ];
      const [all, one, hers] = [
        await again(topic, { userId: null, calendarId: null }),
        await again(topic, { userId: null, calendarId }),
        await again(topic, { userId, calendarId: null }),
      ];
      expect(idsOf(all, calendarId)).toEqual(expect.arrayContaining([...idsOf(live, calendarId)]));
      expect(one.messages.length).toBeGreaterThan(0);
      expect(one.messages.every(({ value }) => value.includes(calendarId))).toBe(true);
      expect(hers.messages.every(({ value }) => value.includes(userId))).toBe(true);
      expect(all.messages.length).toBeGreaterThan(one.messages.length);
    }
  });

  it('has a consumer who lost everything hold again what the merged calendar holds', async () => {
    const [calendar, other] = [await adopted(), await adopted()];
    for (const each of [calendar, other]) {
      each.account.put(...many(3));
      await synced(each);
    }
    const live = broker();
    await relay(live, 'relay_events');
    await mirrored(live, calendar, 3);
    await mirrored(live, other, 3);
    const before = live.messages.length;
    await again(EVENTS, { userId: calendar.userId, calendarId: null });
    await mirrored(live, calendar, 3, before);
    expect(live.of(EVENTS, other.calendarId).length).toBe(
      live.messages.slice(0, before).filter(({ key }) => key === other.calendarId).length,
    );
    const all = live.messages.length;
    await again(EVENTS, { userId: null, calendarId: null });
    await mirrored(live, calendar, 3, all);
    await mirrored(live, other, 3, all);
  });

  it('publishes events where no service runs', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(3));
    await synced(calendar);
    await mirrored(await again(EVENTS, { userId: null, calendarId: calendar.calendarId }), calendar, 3);
  });
});
