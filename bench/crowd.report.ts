import { type Found } from './crowd.soak.js';
import { type LiveHeap, THREADS } from './heap.inspector.js';
import { percentile } from './pressure.js';

/** One thing that must hold. */
export type Check = Readonly<{ name: string; value: string; limit: string; ok: boolean }>;

/** Milliseconds beyond the simulators' own time. */
const READABLE_WITHIN = 150;

const GROWTH = 1.1;

const sum = (heap: LiveHeap): number => THREADS.reduce((all, thread) => all + heap[thread], 0);

const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;

const few = (all: readonly string[]): string => (all.length === 0 ? '0' : `${all.length}: ${all.slice(0, 3).join('; ')}`);

export const checksOf = ({ compared, afterRevoke, latency, heap }: Found): readonly Check[] => {
  const p95 = percentile(latency.calm, 0.95);
  const growth = sum(heap.late) / sum(heap.early);
  const strange = latency.unseen.flatMap(({ account, title, reason }) => (reason === null ? [`${account}: ${title}`] : []));
  return [
    {
      name: 'people shown something else than their calendars have',
      value: few(compared.wrong),
      limit: '0',
      ok: compared.wrong.length === 0,
    },
    { name: 'occurrences shown twice', value: String(compared.doubled), limit: '0', ok: compared.doubled === 0 },
    { name: 'connections that are not well in the end', value: few(compared.unhealthy), limit: '0', ok: compared.unhealthy.length === 0 },
    { name: 'requests after a revoke', value: few(afterRevoke), limit: '0', ok: afterRevoke.length === 0 },
    { name: 'told of and not seen within a minute, for no reason', value: few(strange), limit: '0', ok: strange.length === 0 },
    { name: 'live heap, at the end to a fifth', value: `${growth.toFixed(3)} x`, limit: `${GROWTH} x`, ok: growth <= GROWTH },
    { name: 'push to readable, p95', value: milliseconds(p95), limit: milliseconds(READABLE_WITHIN), ok: p95 <= READABLE_WITHIN },
  ];
};

const latencyLine = (name: string, values: readonly number[]): string =>
  `  ${name.padEnd(34)}p50 ${milliseconds(percentile(values, 0.5))}   p95 ${milliseconds(percentile(values, 0.95))}   (${values.length})`;

const reasonsOf = (unseen: Found['latency']['unseen']): string => {
  const counts = new Map<string, number>();
  for (const { reason } of unseen) counts.set(reason ?? 'for no reason', (counts.get(reason ?? 'for no reason') ?? 0) + 1);
  return [String(unseen.length), ...[...counts].map(([reason, count]) => `${count} ${reason}`)].join(', ');
};

const heapLine = ({ early, late }: Found['heap'], thread: (typeof THREADS)[number]): string =>
  `  live heap, ${thread.padEnd(23)}${early[thread].toFixed(1)} MB after a fifth, ${late[thread].toFixed(1)} MB at the end`;

/** What a soak did, and how long things took. */
export const figuresOf = (found: Found): string => {
  const { strength, connecting, changes, asked, pushes, troubles, latency, heap, quietAfter, compared } = found;
  const share = (count: number): string => `${((100 * count) / Math.max(1, asked.requests)).toFixed(1)} %`;
  return [
    `${strength.connections} connections, two calendars of ${strength.events} events each; ${strength.changesPerSecond} changes a second for ${strength.minutes} minutes; seed ${strength.seed}.`,
    '',
    `  connected, read and watched after ${(connecting / 1_000).toFixed(1)} s`,
    `  changes: ${[...changes].map(([name, count]) => `${count} ${name}`).join(', ')}`,
    `  ${asked.requests} requests to the vendors: ${asked.throttled} answered 429 (${share(asked.throttled)}), ${asked.unavailable} 503 (${share(asked.unavailable)}), ${asked.cut} broken off (${share(asked.cut)}), ${asked.expired} 410`,
    `  ${pushes.passed} notifications passed on; ${pushes.lost} lost, ${pushes.late} late, ${pushes.doubled} doubled`,
    `  ${troubles.kills} kills, ${troubles.revoked} connections revoked, access tokens ended ${troubles.expired} times, places to read on from forgotten ${troubles.forgotten} times`,
    latencyLine('push to readable', latency.calm),
    latencyLine('the same beside a fault or a kill', latency.troubled),
    `  told of and not seen within a minute: ${reasonsOf(latency.unseen)}`,
    ...THREADS.map((thread) => heapLine(heap, thread)),
    `  every calendar was read once more within ${(quietAfter / 1_000).toFixed(1)} s; ${compared.occurrences} occurrences of ${compared.people} people compared`,
  ].join('\n');
};

/** The figures, and what holds. */
export const crowdReport = (found: Found): string => {
  const checks = checksOf(found).map(
    ({ name, value, limit, ok }) => `  ${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(56)}${value.padStart(9)}   limit ${limit}`,
  );
  return [figuresOf(found), '', ...checks].join('\n');
};
