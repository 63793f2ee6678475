import { randomUUID } from 'node:crypto';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { relaying } from '../src/app/relaying.js';
import { type Runtime } from '../src/app/runtime.js';
import { type CalendarEvent } from '../src/calendar/calendar.js';
import { calendarCodec } from '../src/calendar/calendar.codec.js';
import { healthRegistry } from '../src/infra/http/health.registry.js';
import { kafkaPublisher } from '../src/infra/kafka/kafka.publisher.js';
import { bringTopics } from '../src/infra/kafka/topics.admin.js';
import { readTopics } from '../src/infra/kafka/topics.file.js';
import { systemClock } from '../src/infra/system.clock.js';
import { prometheusMetrics } from '../src/infra/telemetry/metrics.prometheus.js';
import { type Message, type Publisher } from '../src/kernel/broker.js';
import { dayFromNow, icsOfEvent, stampOn } from '../test/support/events.js';
import { asAdmin, makeTopics, ownKafka, type OwnKafka } from '../test/support/kafka.js';
import { startRadicale } from '../test/support/radicale.js';
import { startService } from '../test/support/service.js';
import { metadata, openStores, SILENT, type Stores } from '../test/support/store.js';
import { tabulated } from './report.js';
import { timed } from './timing.js';

/** Messages a bare producer sends at once; with more, those of the audit trail are too large for one request. */
const BATCH = 1_000;

/** What is asked for: messages a second in catch-up, and milliseconds from a delta that was read to its message. */
const TARGETS = { rate: 10_000, latency: 100 } as const;

const FACTS_OF_A_CALENDAR = 10;
const IN_FLIGHT = 8;

const EVENTS = 'juy.calendar.events.v1';

const say = (line: string): void => {
  console.log(line);
};

const clientOf = (brokers: string): kafkajs.Kafka =>
  new kafkajs.Kafka({ clientId: 'bench', brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });

/** Changes of 1,000 people, one at each place of the log. */
const fillChanges = async ({ database }: Stores, count: number): Promise<void> => {
  await database.query(
    `insert into changes (user_id, position, part, calendar_id, at, change, series, original, start_at, end_at, all_day, status, busy, recurring)
     select 'user-' || n % 1000, n, 1, md5((n % 2000)::text)::uuid, now(), 'changed', 'series-of-an-event-' || n, '20260302T090000', now(),
       now() + interval '1 hour', false, 'confirmed', 'busy', true
     from generate_series(1, $1::int) n`,
    [count],
  );
  await database.query(`insert into checkpoint (name, position, meaning) values ('relay_events', 0, 1)`);
  await database.query(
    `insert into checkpoint (name, position) values ('user_calendar_events', $1) on conflict (name) do update set position = excluded.position`,
    [count],
  );
};

/** Facts of calendars in the log, ten of each calendar. */
const fillLog = async ({ store }: Stores, count: number): Promise<void> => {
  const at = new Date().toISOString();
  let left = count / FACTS_OF_A_CALENDAR;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const adopted: CalendarEvent = {
        ...{
          type: 'CalendarAdopted',
          connectionId: randomUUID(),
          userId: randomUUID(),
          provider: 'caldav',
          writable: true,
          busyOnly: false,
        },
        ...{ color: null, timeZone: null, sealed: 'x'.repeat(200), at },
      };
      const facts = Array.from({ length: FACTS_OF_A_CALENDAR - 1 }, (_, index): CalendarEvent => {
        return { type: 'VisibilitySet', visible: index % 2 === 1, at };
      });
      await store.append(`calendar-${randomUUID()}`, -1n, [adopted, ...facts], calendarCodec, metadata());
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
};

/** The same publisher, which keeps what it was given. */
const remembering = (publisher: Publisher, kept: Message[]): Publisher => ({
  ...publisher,
  publish: async (topic, messages) => {
    await publisher.publish(topic, messages);
    kept.push(...messages);
  },
});

/** Milliseconds, and of them those in which this process had a processor. */
type Spent = Readonly<{ time: number; busy: number }>;

const spentOn = async (work: () => Promise<void>): Promise<Spent> => {
  const before = process.cpuUsage();
  const { milliseconds } = await timed(work);
  const { user, system } = process.cpuUsage(before);
  return { time: milliseconds, busy: (user + system) / 1_000 };
};

type CaughtUp = Readonly<{ name: string; count: number; relay: Spent; bare: Spent }>;

/** Sends the same messages by a bare producer, many at once. */
const sendBare = async (brokers: string, messages: readonly Message[]): Promise<Spent> => {
  const topic = `bare.${randomUUID()}`;
  await makeTopics(brokers, { [topic]: 12 });
  const producer = clientOf(brokers).producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const spent = await spentOn(async () => {
    for (let from = 0; from < messages.length; from += BATCH) {
      const batch = messages.slice(from, from + BATCH).map(({ id, key, value, headers }) => ({ key, value, headers: { ...headers, id } }));
      await producer.send({ topic, acks: -1, messages: batch });
    }
  });
  await producer.disconnect();
  return spent;
};

/** Runs one follower from where it is until it has published so many messages, then a bare producer with the same. */
const catchUp = async (stores: Stores, brokers: string, name: string, count: number): Promise<CaughtUp> => {
  const [kept, aborting]: [Message[], AbortController] = [[], new AbortController()];
  const settings = { brokers: [brokers], tls: null, sasl: null };
  const publisher = kafkaPublisher(settings, SILENT);
  const { database, store } = stores;
  const runtime = { database, store, clock: systemClock, metrics: prometheusMetrics(), log: SILENT, kafka: null } as unknown as Runtime;
  const works = await relaying(runtime, remembering(publisher, kept), healthRegistry());
  const spent = await spentOn(async () => {
    const running = works.get(name)?.(aborting.signal);
    while (kept.length < count) await pause(5);
    aborting.abort();
    await running;
  });
  await publisher.close();
  return { name, count, relay: spent, bare: await sendBare(brokers, kept.slice(0, count)) };
};

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

/** Every message of a topic from now on, as somebody else's consumer is handed it. */
const listen = async (brokers: string, topic: string, take: (value: string) => void) => {
  const consumer = clientOf(brokers).consumer({ groupId: randomUUID(), maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({
    eachMessage: ({ message }) => {
      take(message.value?.toString() ?? '');
      return Promise.resolve();
    },
  });
  await joined;
  return () => consumer.disconnect();
};

/** Milliseconds from one bare message to its consumer. */
const bareLatencies = async (brokers: string, rounds: number): Promise<readonly number[]> => {
  const topic = `bare.${randomUUID()}`;
  await makeTopics(brokers, { [topic]: 12 });
  const producer = clientOf(brokers).producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const [found, arrived]: [number[], { at: () => void }] = [[], { at: () => undefined }];
  const stop = await listen(brokers, topic, () => {
    arrived.at();
  });
  for (let round = 0; round < rounds; round += 1) {
    const arrival = new Promise<void>((resolve) => (arrived.at = resolve));
    const began = performance.now();
    await producer.send({ topic, acks: -1, messages: [{ key: String(round), value: 'x'.repeat(600) }] });
    await arrival;
    found.push(performance.now() - began);
  }
  await stop();
  await producer.disconnect();
  return found;
};

/** Milliseconds from a delta that the service has read, by the time it gave it, to its message, by the same clock. */
const deltaLatencies = async (brokers: string, rounds: number): Promise<readonly number[]> => {
  const radicale = await startRadicale();
  const service = await startService({ KAFKA_BROKERS: brokers });
  const found: number[] = [];
  const awaited = new Map<string, () => void>();
  try {
    const me = await service.as('bench');
    const calendar = await radicale.makeCalendar('work');
    const put = (round: number): Promise<string> =>
      radicale.put(
        calendar,
        'lunch.ics',
        icsOfEvent('lunch', [`DTSTART:${stampOn(dayFromNow(2), '120000')}`, 'DURATION:PT1H', `SUMMARY:Lunch ${round}`]),
      );
    await put(-1);
    await me.connect(radicale);
    await me.settled();
    const stop = await listen(brokers, EVENTS, (value) => {
      const { type, data } = JSON.parse(value) as { type: string; data: { at: string; userId: string } };
      if (type !== 'juy.calendar.events.changed.v1' || data.userId !== 'bench') return;
      found.push(Date.now() - Date.parse(data.at));
      awaited.get('change')?.();
    });
    for (let round = 0; round < rounds; round += 1) {
      const arrival = new Promise<void>((resolve) => awaited.set('change', resolve));
      await put(round);
      await me.sync();
      await arrival;
    }
    await stop();
    return found;
  } finally {
    await service.stop();
    await radicale.stop();
  }
};

const rate = (count: number, { time }: Spent): number => Math.round((count / time) * 1_000);

const rateRow = (name: string, count: number, spent: Spent): readonly string[] => [
  name,
  `${rate(count, spent)}/s`,
  `${Math.round((spent.busy / count) * 1_000)} us`,
];

const rateRows = (caughtUp: readonly CaughtUp[]): readonly (readonly string[])[] =>
  caughtUp.flatMap(({ name, count, relay, bare }) => [
    [...rateRow(`bare producer: the messages of ${name}`, count, bare), '', ''],
    [
      ...rateRow(`${name}: catch-up`, count, relay),
      `${(bare.time / relay.time).toFixed(2)} x`,
      `${rate(count, relay) >= TARGETS.rate ? 'within' : 'below'} ${TARGETS.rate}/s`,
    ],
  ]);

const latencyRow = (name: string, values: readonly number[], bare: readonly number[] | null): readonly string[] => [
  name,
  ...[0.5, 0.95].map((share) => `${percentile(values, share).toFixed(0)} ms`),
  bare === null ? '' : `${(percentile(values, 0.95) / percentile(bare, 0.95)).toFixed(1)} x`,
  bare === null ? '' : `${percentile(values, 0.95) <= TARGETS.latency ? 'within' : 'over'} ${TARGETS.latency} ms`,
];

const measureRates = async (kafka: OwnKafka, messages: number): Promise<readonly CaughtUp[]> => {
  const stores = await openStores();
  try {
    say(`${messages} facts and ${messages} changes are made …`);
    await fillLog(stores, messages);
    await fillChanges(stores, messages);
    const caughtUp: CaughtUp[] = [];
    for (const name of ['relay_events', 'relay_connections', 'relay_audit']) {
      say(`${name} …`);
      caughtUp.push(await catchUp(stores, kafka.brokers, name, messages));
    }
    return caughtUp;
  } finally {
    await stores.stop();
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { messages: { type: 'string', default: '100000' }, changes: { type: 'string', default: '100' } },
  });
  const [messages, changes] = [Number(values.messages), Number(values.changes)];
  if (!Number.isInteger(messages) || messages < 1 || messages % FACTS_OF_A_CALENDAR !== 0)
    throw new Error(`--messages takes a multiple of ${FACTS_OF_A_CALENDAR}.`);
  const kafka = await ownKafka();
  try {
    await asAdmin(kafka.brokers, (admin) => bringTopics(admin, readTopics(), false));
    const caughtUp = await measureRates(kafka, messages);
    say('Latency …');
    const bare = await bareLatencies(kafka.brokers, changes);
    const deltas = await deltaLatencies(kafka.brokers, changes);
    say(`\n${messages} messages in catch-up, ${changes} changes one by one; Node ${process.versions.node}, ${cpus().length} processors.\n`);
    say(tabulated([['', 'rate', 'processor a message', 'to bare', 'target'], ...rateRows(caughtUp)]));
    say('');
    say(
      tabulated([
        ['', 'p50', 'p95', 'p95 to bare', 'target'],
        latencyRow('bare producer to consumer', bare, null),
        latencyRow('delta read to consumer', deltas, bare),
      ]),
    );
  } finally {
    await kafka.end();
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
