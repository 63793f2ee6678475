import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ConnectionView } from '../src/connection/connection.contract.js';
import { type MadeCalendar, startMadeCalendar } from '../test/support/made-calendar.js';
import { type Client, type Service, startService } from '../test/support/service.js';
import { INSPECTABLE, type LiveHeap, openHeap } from './heap.inspector.js';
import { tabulated } from './report.js';

/** Resident memory of the service at its highest in megabytes, and how long it took in seconds. */
type Phase = Readonly<{ peak: number; seconds: number }>;

type Measured = Readonly<{
  events: number;
  idle: number;
  first: Phase;
  unchanged: Phase;
  oneChange: Phase;
  generation: Phase;
  /** The most that was in use, right after collections during the new generation. */
  live: LiveHeap;
}>;

/** How much more than of the small calendar the memory for the large one may be. */
const TARGET = 1.3;
const POLL = 250;
const BETWEEN_PROBES = 2_000;
const LIMIT = 1_800_000;

const say = (line: string): void => {
  console.log(line);
};

const megabytes = (pid: number, field: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;

/** proc(5): what is resident now becomes the highest that was. */
const forgetPeak = (pid: number): void => {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
};

const phase = async (service: Service, work: () => Promise<void>): Promise<Phase> => {
  forgetPeak(service.pid());
  const began = performance.now();
  await work();
  return { peak: megabytes(service.pid(), 'VmHWM'), seconds: (performance.now() - began) / 1_000 };
};

const waited = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + LIMIT; performance.now() < end;) {
    if (await isSo()) return;
    await sleep(POLL);
  }
  throw new Error(`A sync took more than ${LIMIT / 60_000} minutes.`);
};

const synced = async (client: Client): Promise<void> => {
  const { body } = await client.request<{ syncId: string }>('POST', '/v1/calendar/sync', {});
  await waited(async () => {
    const { body: seen } = await client.request<{ state: string }>('GET', `/v1/calendar/sync/${body.syncId}`);
    if (seen.state === 'failed') throw new Error('A sync failed.');
    return seen.state === 'done';
  });
};

const firstSync = async (client: Client, made: MadeCalendar): Promise<void> => {
  await client.connect({ url: made.url, user: 'bench', password: 'bench' });
  await waited(async () => {
    const { body } = await client.request<{ items: readonly ConnectionView[] }>('GET', '/v1/calendar/connections');
    return body.items.every(({ status, calendars }) => status === 'connected' && calendars.some(({ adopted }) => adopted));
  });
};

const NOTHING: LiveHeap = { main: 0, projector: 0, sync: 0 };

/** Looks at the live heap every now and then while something goes on; answers the most of each thread. */
const watched = async (heap: Readonly<{ live: () => Promise<LiveHeap> }>, work: () => Promise<void>): Promise<LiveHeap> => {
  const ended = new AbortController();
  let most = NOTHING;
  const watch = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const { main, projector, sync } = await heap.live();
      most = { main: Math.max(most.main, main), projector: Math.max(most.projector, projector), sync: Math.max(most.sync, sync) };
      await sleep(BETWEEN_PROBES, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  };
  const watching = watch();
  try {
    await work();
  } finally {
    ended.abort();
    await watching;
  }
  return most;
};

const measure = async (events: number): Promise<Measured> => {
  say(`A calendar of ${events} events …`);
  const made = await startMadeCalendar(events);
  const service = await startService({ LOG_LEVEL: 'warn', ...INSPECTABLE });
  try {
    const client = await service.as('bench');
    const idle = megabytes(service.pid(), 'VmRSS');
    const first = await phase(service, () => firstSync(client, made));
    say(`  first sync ${first.seconds.toFixed(1)} s, ${first.peak.toFixed(0)} MB`);
    const unchanged = await phase(service, () => synced(client));
    const oneChange = await phase(service, () => {
      made.change(Math.floor(events / 2));
      return synced(client);
    });
    const heap = await openHeap(service.pid(), service.output);
    let live = NOTHING;
    const generation = await phase(service, async () => {
      made.forgetTokens();
      live = await watched(heap, () => synced(client));
    });
    heap.close();
    say(`  new generation ${generation.seconds.toFixed(1)} s, ${generation.peak.toFixed(0)} MB`);
    say(`  requests: ${[...made.requests].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
    return { events, idle, first, unchanged, oneChange, generation, live };
  } finally {
    await service.stop();
    await made.stop();
  }
};

const report = (small: Measured, large: Measured): string => {
  const line = (name: string, of: (measured: Measured) => number, judged = true): readonly string[] => {
    const ratio = of(large) / of(small);
    const verdict = ratio <= TARGET ? `within ${TARGET} x` : `over ${TARGET} x`;
    return [name, `${of(small).toFixed(1)} MB`, `${of(large).toFixed(1)} MB`, `${ratio.toFixed(2)} x`, judged ? verdict : ''];
  };
  const time = (name: string, of: (measured: Measured) => Phase): readonly string[] => [
    name,
    `${of(small).seconds.toFixed(1)} s`,
    `${of(large).seconds.toFixed(1)} s`,
    `${(of(large).seconds / of(small).seconds).toFixed(2)} x`,
    '',
  ];
  return tabulated([
    ['', `${small.events} events`, `${large.events} events`, 'ratio', 'target'],
    line('resident before', ({ idle }) => idle, false),
    line('most resident: first sync', ({ first }) => first.peak),
    line('most resident: nothing changed', ({ unchanged }) => unchanged.peak),
    line('most resident: one event changed', ({ oneChange }) => oneChange.peak),
    line('most resident: new generation', ({ generation }) => generation.peak),
    line('live heap of its main thread', ({ live }) => live.main),
    line('live heap of its projector thread', ({ live }) => live.projector),
    line('live heap of its sync thread', ({ live }) => live.sync),
    time('first sync', ({ first }) => first),
    time('nothing changed', ({ unchanged }) => unchanged),
    time('one event changed', ({ oneChange }) => oneChange),
    time('new generation', ({ generation }) => generation),
  ]);
};

const sizes = (): Readonly<{ events: number; baseline: number }> => {
  const { values } = parseArgs({
    options: { events: { type: 'string', default: '100000' }, baseline: { type: 'string', default: '10000' } },
  });
  const [events, baseline] = [Number(values.events), Number(values.baseline)];
  if (![events, baseline].every((size) => Number.isInteger(size) && size > 0))
    throw new Error('--events and --baseline take whole numbers.');
  return { events, baseline };
};

const main = async (): Promise<void> => {
  const { events, baseline } = sizes();
  const small = await measure(baseline);
  const large = await measure(events);
  say(`\n${report(small, large)}\n\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}), Node ${process.versions.node}.`);
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
