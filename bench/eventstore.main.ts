import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { END, EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client';
import pg from 'pg';
import { decodeBase64InNode } from '../src/infra/eventstore/base64.native.js';
import { type Engines, startEngines } from '../test/support/engines.js';
import { measureBare } from './bare.postgres.js';
import { followFrames } from './frames.grpc.js';
import { type Peaks, watchMemory } from './memory.proc.js';
import { timed } from './timing.js';

const BATCH = 100;
const IN_FLIGHT = 8;
const STREAMS = 1_000;
const LIVE = 500;
/** With its metadata and the JSON around it, an event's data is 1 kB. */
const TEXT = 'x'.repeat(950);

const say = (line: string): void => {
  console.log(line);
};

const appendAll = async (client: EventStoreDBClient, events: number): Promise<void> => {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < events) {
      const from = next;
      next += BATCH;
      const batch = Array.from({ length: BATCH }, (_, index) =>
        jsonEvent({ type: 'Noted.v1', data: { number: from + index, text: TEXT }, metadata: { actor: 'bench' } }),
      );
      await client.appendToStream(`note-${(from / BATCH) % STREAMS}`, batch);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
};

/** Follows the log from its beginning until that many events have come; rejects when one is out of order. */
const catchUp = (client: EventStoreDBClient, events: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let count = 0;
    let last = -1n;
    const subscription = client.subscribeToAll({ fromPosition: START });
    subscription.on('data', ({ event }) => {
      const position = event?.position.commit ?? -1n;
      if (position <= last) reject(new Error(`position ${position} came after ${last}`));
      last = position;
      count += 1;
      if (count < events) return;
      void subscription.unsubscribe();
      resolve();
    });
    subscription.on('error', reject);
  });

/** Milliseconds from the call of an append until a subscriber has its event, one after the other. */
const latencies = async (client: EventStoreDBClient): Promise<readonly number[]> => {
  const subscription = client.subscribeToAll({ fromPosition: END });
  let arrived = (): void => undefined;
  subscription.on('data', () => {
    arrived();
  });
  await new Promise((resolve) => subscription.once('caughtUp', resolve));
  const found: number[] = [];
  for (let count = 0; count < LIVE; count += 1) {
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const once = async (): Promise<void> => {
      await Promise.all([client.appendToStream('live', jsonEvent({ type: 'Noted.v1', data: { text: TEXT } })), arrival]);
    };
    const began = performance.now();
    void once();
    await arrival;
    found.push(performance.now() - began);
    await pause(5);
  }
  await subscription.unsubscribe();
  return found.sort((a, b) => a - b);
};

type Figures = Readonly<{
  events: number;
  append: number;
  frames: number;
  read: number;
  bareInsert: number;
  bareSelect: number;
  live: readonly number[];
}>;

const rate = (events: number, milliseconds: number): number => Math.round((events / milliseconds) * 1_000);

const report = ({ events, append, frames, read, bareInsert, bareSelect, live }: Figures, peaks: Peaks): string => {
  const line = (name: string, time: number, bare: number | null, target: number | null): string => {
    const perSecond = rate(events, time);
    const ratio = bare === null ? '' : `${(bare / time).toFixed(2)} x`;
    const verdict = target === null ? '' : `${perSecond >= target ? 'within' : 'below'} ${target}/s`;
    return [name.padEnd(52), `${perSecond}/s`.padStart(10), ratio.padStart(10), verdict.padStart(16)].join('');
  };
  const p = (share: number): number => live[Math.floor(live.length * share)] ?? Number.NaN;
  const memory = [...peaks]
    .filter(([name]) => name !== 'Radicale')
    .map(([name, kilobytes]) => {
      return `${(name === 'service' ? 'client (this process)' : name).padEnd(24)}${Math.round(kilobytes / 1_024)} MB`;
    });
  return [
    `${events} events of 1 kB, batches of ${BATCH}, ${IN_FLIGHT} in flight; Node ${process.versions.node}, ${cpus().length} processors.`,
    '',
    `${' '.repeat(52)}${'rate'.padStart(10)}${'to bare'.padStart(10)}${'target'.padStart(16)}`,
    line('bare PostgreSQL: insert', bareInsert, null, null),
    line('event store: append', append, bareInsert, 8_000),
    line('bare PostgreSQL: select', bareSelect, null, null),
    line('event store: catch-up of $all, frames', frames, bareSelect, 25_000),
    line('event store: catch-up of $all, official client', read, bareSelect, null),
    `event store: live latency, p50 ${p(0.5).toFixed(1)} ms, p95 ${p(0.95).toFixed(1)} ms: ${p(0.95) <= 10 ? 'within' : 'over'} 10 ms`,
    '',
    'peak memory',
    ...memory,
  ].join('\n');
};

const measure = async (engines: Engines, events: number): Promise<Figures> => {
  // As the service has it.
  decodeBase64InNode();
  const client = EventStoreDBClient.connectionString(engines.eventStoreUrl);
  say('Event store: append …');
  const append = (await timed(() => appendAll(client, events))).milliseconds;
  say('Event store: catch-up, frames …');
  const frames = (await timed(() => followFrames(engines.eventStoreUrl, events))).milliseconds;
  say('Event store: catch-up, official client …');
  const read = (await timed(() => catchUp(client, events))).milliseconds;
  say('Event store: live …');
  const live = await latencies(client);
  await Promise.race([client.dispose(), pause(500)]);
  say('Bare PostgreSQL …');
  const database = new pg.Pool({ connectionString: engines.databaseUrl('juy'), max: IN_FLIGHT });
  const bare = await measureBare(database, events, BATCH, TEXT);
  await database.end();
  return { events, append, frames, read, live, bareInsert: bare.insert, bareSelect: bare.select };
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' } } });
  const events = Number(values.events);
  if (!Number.isInteger(events) || events < BATCH || events % BATCH !== 0) throw new Error(`--events takes a multiple of ${BATCH}.`);
  const engines = await startEngines({ durable: true });
  const memory = watchMemory(() => process.pid);
  try {
    const figures = await measure(engines, events);
    say(`\n${report(figures, memory.stop())}`);
  } finally {
    memory.stop();
    await engines.stop();
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
