import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import kafkajs from 'kafkajs';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { dayFromNow as day, icsOfEvent, stampOn } from '../support/events.js';
import { headersOf, ownKafka, type OwnKafka, type Read, readTopic } from '../support/kafka.js';
import { mirror, readAsTold, textOf } from '../support/mirror.js';
import { suiteResources } from '../support/opened.js';
import { runProgram } from '../support/program.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [CONNECTIONS, EVENTS, AUDIT] = ['juy.calendar.connections.v1', 'juy.calendar.events.v1', 'juy.calendar.audit.v1'] as const;
const TOPICS = [CONNECTIONS, EVENTS, AUDIT];

/** The broker dies in the second of three rounds, the service in the third. */
const ROUNDS = strength(3, 15);

/** Words that stand in names, titles, places, people and passwords, and may be in no byte of a topic. */
const MARK = 'Zanzibar';
const ALICE = { name: `${MARK}alice`, password: `${MARK} sesame` };
const GRACE = { name: `${MARK}grace`, password: `${MARK} pebble` };

const contractOf = (topic: string): ValidateFunction => {
  const ajv = new Ajv2020({ allErrors: true });
  addFormats.default(ajv);
  return ajv.compile(JSON.parse(readFileSync(`${ROOT}/kafka/contracts/${topic}.json`, 'utf8')) as object);
};
const CONTRACTS = new Map<string, ValidateFunction>(TOPICS.map((topic) => [topic, contractOf(topic)]));

const check = (topic: string, value: string): void => {
  const validate = CONTRACTS.get(topic);
  if (validate?.(JSON.parse(value)) !== true)
    throw new Error(`${topic}: ${value} is not by its contract: ${JSON.stringify(validate?.errors)}`);
};

/** A consumer in a process of somebody else's: it knows the broker, the topics and their contracts. */
const consume = async (brokers: string) => {
  const client = new kafkajs.Kafka({
    clientId: 'theirs',
    brokers: [brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 100, maxRetryTime: 500 },
  });
  const consumer = client.consumer({ groupId: 'theirs', sessionTimeout: 6_000, heartbeatInterval: 500, maxWaitTimeInMs: 100 });
  const held = mirror();
  const failures: unknown[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [CONNECTIONS, EVENTS], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ topic, message }) => {
      try {
        const value = message.value?.toString() ?? '';
        check(topic, value);
        held.take(value);
      } catch (error) {
        failures.push(error);
      }
      return Promise.resolve();
    },
  });
  return { ...held, failures, stop: () => consumer.disconnect() };
};

const event = (uid: string, days: number, rest: readonly string[] = []): string =>
  icsOfEvent(uid, [
    ...[`DTSTART:${stampOn(day(days), '120000')}`, 'DURATION:PT1H', `SUMMARY:${MARK} ${uid}`, `LOCATION:${MARK} square`],
    ...[`DESCRIPTION:${MARK} notes`, `ORGANIZER;CN=${MARK} person:mailto:${MARK}@example.com`, ...rest],
  ]);

describe('Public topics on a real broker', () => {
  const opened = suiteResources();
  let kafka: OwnKafka;
  let radicale: Radicale;
  let service: Service;
  let dataDir = '';
  let theirs: Awaited<ReturnType<typeof consume>>;
  let [ada, grace]: Client[] = [];
  const [calendars, connections] = [new Map<string, string>(), new Map<string, ConnectionView>()];

  beforeAll(async () => {
    [kafka, radicale] = await Promise.all([ownKafka(), opened(startRadicale([ALICE, GRACE]))]);
  });
  afterAll(() => kafka.end());

  const tool = (name: string, ...args: readonly string[]) =>
    runProgram([`${ROOT}/dist/programs/${name}.tool.js`, ...args], {
      ...{ KAFKA_BROKERS: kafka.brokers, ROLE: 'all', PROVIDERS: 'live' },
      ...(dataDir === '' ? {} : { DATA_DIR: dataDir }),
    });

  const person = (which: Client | undefined): Client => {
    if (which === undefined) throw new Error('there is no such person');
    return which;
  };

  /** Waits until the consumer holds what a person reads; they are told of so many events at least. */
  const mirrored = async (which: Client | undefined, userId: string, atLeast: number): Promise<void> => {
    await eventually('the consumer holds what the person reads', async () => {
      const read = await readAsTold(person(which));
      return read.size >= atLeast && textOf(theirs.eventsOf(userId)) === textOf(read);
    });
    expect(theirs.failures).toEqual([]);
  };

  const change = async (which: Client | undefined, calendarId: string | undefined, settings: object): Promise<void> => {
    const { status } = await person(which).request('PATCH', '/v1/calendar/settings', { calendars: [{ calendarId, ...settings }] });
    expect([200, 202]).toContain(status);
  };

  it('are made by npm run kafka:topics, without which a service does not start', async () => {
    await expect(startService({ KAFKA_BROKERS: kafka.brokers })).rejects.toThrow(
      /lacks topics .*juy[.]calendar[.]events[.]v1.*npm run kafka:topics/s,
    );
    const made = await tool('topics');
    expect(made).toMatchObject({ code: 0 });
    for (const topic of TOPICS) expect(made.printed).toMatch(new RegExp(`${topic} +\\d+ +31 days +created`));
    expect((await tool('topics')).printed).not.toContain('created');
    service = await opened(startService({ KAFKA_BROKERS: kafka.brokers }));
    ({ dataDir } = service);
    theirs = await opened(consume(kafka.brokers));
    // The relay begins in a thread of its own, which tells its checks a moment after the service listens.
    await eventually('the relay and its topics are well', async () => {
      const { checks } = (await (await fetch(`${service.url}/health/ready`)).json()) as {
        checks: readonly Readonly<{ name: string; ok: boolean }>[];
      };
      return ['topics', 'relay connections', 'relay events', 'relay audit'].every((name) =>
        checks.some((check) => check.name === name && check.ok),
      );
    });
    [ada, grace] = [await service.as('u-ada'), await service.as('u-grace')];
  });

  it('let a consumer that knows only them hold the calendar of each person as they read it', async () => {
    for (const [name, user] of [
      ['work', ALICE],
      ['home', ALICE],
      ['club', GRACE],
    ] as const)
      calendars.set(name, await radicale.makeCalendar(name, { displayname: `${MARK} ${name}` }, user.name));
    for (const [name, url] of calendars) {
      await radicale.put(url, 'once.ics', event(`${name}-once`, 3));
      await radicale.put(url, 'daily.ics', event(`${name}-daily`, 1, ['RRULE:FREQ=DAILY;COUNT=30']));
      await radicale.put(url, 'shared.ics', event('shared', 5));
    }
    for (const [which, user] of [
      [ada, ALICE],
      [grace, GRACE],
    ] as const) {
      connections.set(user.name, await person(which).connect({ url: radicale.url, user: user.name, password: user.password }));
      await person(which).settled();
    }
    await mirrored(ada, 'u-ada', 64);
    await mirrored(grace, 'u-grace', 32);
  });

  it('tell what changes, what is hidden and shown again, and what goes with a revoke', async () => {
    const [work = '', home = ''] = ['work', 'home'].map((name) => calendars.get(name));
    await radicale.put(work, 'once.ics', event('work-once', 4));
    await radicale.put(work, 'new.ics', event('work-new', 6));
    await radicale.delete(home, 'daily.ics');
    await person(ada).sync();
    await mirrored(ada, 'u-ada', 35);
    const shown = connections.get(ALICE.name)?.calendars ?? [];
    const [first, second] = shown.map(({ calendarId }) => calendarId);
    await change(ada, first, { mode: 'write' });
    await change(ada, first, { privacy: 'full' });
    for (const visible of [false, true]) {
      await change(ada, second, { visible });
      await mirrored(ada, 'u-ada', visible ? 35 : 2);
    }
    const { connectionId = '' } = connections.get(GRACE.name) ?? {};
    expect((await person(grace).request('DELETE', `/v1/calendar/connections/${connectionId}`)).status).toBeLessThan(300);
    await mirrored(grace, 'u-grace', 0);
    await eventually('the revoke is told', async () =>
      (await readTopic(kafka.brokers, CONNECTIONS)).some(
        ({ key, payload }) => key === connectionId && payload?.includes('.revoked.v1') === true,
      ),
    );
  });

  it('lose nothing, and keep the order of each key, when the service and then the broker die in the middle', async () => {
    const work = calendars.get('work') ?? '';
    for (let round = 0; round < ROUNDS; round += 1) {
      await radicale.put(work, `round-${round}.ics`, event(`round-${round}`, 7 + round, ['RRULE:FREQ=DAILY;COUNT=40']));
      const syncing = person(ada)
        .sync()
        .catch(() => null);
      if (round % 3 === 1) {
        await kafka.kill();
        await syncing;
        await kafka.start();
      } else if (round % 3 === 2) {
        await eventually('it publishes', () => theirs.eventsOf('u-ada').size > 0);
        await service.kill();
        await syncing;
        await service.restart();
        ada = await service.as('u-ada');
        await person(ada).sync();
      } else await syncing;
    }
    await mirrored(ada, 'u-ada', 35 + ROUNDS * 40);
  });

  it('can be published again under the same ids', async () => {
    const before = await readTopic(kafka.brokers, CONNECTIONS);
    const { code, printed } = await tool('relay', 'replay', CONNECTIONS);
    expect([code, printed]).toEqual([0, expect.stringMatching(/juy.calendar.connections.v1: \d+ messages published again, in/)]);
    const ids = (messages: readonly Read[]): ReadonlySet<string | undefined> =>
      new Set(messages.map((message) => headersOf(message)['id']));
    const after = await readTopic(kafka.brokers, CONNECTIONS);
    expect(after.length).toBeGreaterThan(before.length);
    expect(ids(after)).toEqual(ids(before));
    expect(await tool('relay', 'replay', EVENTS, '--user', 'u-ada')).toMatchObject({ code: 0 });
    await mirrored(ada, 'u-ada', 35 + ROUNDS * 40);
    expect((await tool('relay', 'replay', 'juy.directory.teams.v1')).code).toBe(2);
  });

  it('hold only what their contracts say, as another client reads it, and not one byte of anything personal', async () => {
    for (const topic of TOPICS) {
      const messages = await readTopic(kafka.brokers, topic);
      expect(messages.length).toBeGreaterThan(10);
      for (const message of messages) {
        const value = JSON.parse(message.payload ?? '') as { id: string; subject: string };
        check(topic, message.payload ?? '');
        expect(value.subject).toBe(message.key);
        expect(headersOf(message)).toEqual({ id: value.id, 'content-type': 'application/cloudevents+json; charset=utf-8' });
      }
      expect(JSON.stringify(messages).toLowerCase()).not.toContain(MARK.toLowerCase());
    }
    expect(service.output().toLowerCase()).not.toContain(MARK.toLowerCase());
  });

  it('tell what became of a connection in the order in which it happened', async () => {
    const { connectionId } = connections.get(GRACE.name) ?? {};
    const told = (await readTopic(kafka.brokers, CONNECTIONS)).filter(({ key }) => key === connectionId);
    const [seen, inOrder] = [new Set<string>(), [] as string[]];
    for (const { payload } of told) {
      const { id, type } = JSON.parse(payload ?? '') as { id: string; type: string };
      if (!seen.has(id)) inOrder.push(type.replace(/^juy[.]calendar[.]connections[.](.+)[.]v1$/, '$1'));
      seen.add(id);
    }
    expect(inOrder).toEqual(['connected', 'calendar-adopted', 'revoked', 'purged']);
  });
});
