import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRadicale } from '../test/support/radicale.js';
import { seedCalendar } from '../test/support/seed.js';
import { startService } from '../test/support/service.js';
import { INSPECTABLE, type LiveHeap, openHeap } from './heap.inspector.js';
import { percentile } from './pressure.js';

/**
 * `lag` in milliseconds, from when a calendar was due until its reading had ended; `memory` in megabytes: what is resident, means over a fifth of
 * the time, and what each thread cannot give back, a fifth of the time after the beginning and at the end.
 */
export type Steady = Readonly<{
  lag: Readonly<{ p50: number; p95: number }>;
  /** The longest time in milliseconds from one reading of a calendar to its next. */
  longestRest: number;
  syncs: number;
  changes: number;
  memory: Readonly<{ early: number; late: number }>;
  live: Readonly<{ early: LiveHeap; late: LiveHeap }>;
}>;

const SAMPLE = 250;
const EVENTS = 20;
const CHANGES_A_MINUTE = 60;

/** Every calendar is due again within a minute of its last reading. */
const POLL_SECONDS = '60';

type State = { calendar_id: string; due_at: Date; last_success_at: Date | null };

const megabytes = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Watches every calendar's row: each time its last success moves, the lag is from what it was due at before, the rest from the success before. */
const lags = () => {
  const before = new Map<string, State>();
  const found: number[] = [];
  const rests: number[] = [];
  return {
    found,
    rests,
    see: (rows: readonly State[]): void => {
      for (const row of rows) {
        const old = before.get(row.calendar_id);
        const [earlier, later] = [old?.last_success_at ?? null, row.last_success_at];
        if (old !== undefined && earlier !== null && later !== null && later > earlier) {
          found.push(later.getTime() - old.due_at.getTime());
          rests.push(later.getTime() - earlier.getTime());
        }
        before.set(row.calendar_id, row);
      }
    },
  };
};

/** So many people with a small calendar each, all of them synced by the service every minute while events go on changing. */
export const steadySyncs = async (calendars: number, minutes: number, say: (line: string) => void): Promise<Steady> => {
  const people = Array.from({ length: calendars }, (_, index) => ({ name: `person${index}`, password: `password-${index}` }));
  const radicale = await startRadicale(people);
  const service = await startService({ LOG_LEVEL: 'warn', POLL_SECONDS, ...INSPECTABLE });
  try {
    say(`\nConnecting ${calendars} calendars …`);
    const kept: Readonly<{ calendar: string; objects: readonly (readonly [string, string])[] }>[] = [];
    for (const { name, password } of people) {
      const calendar = await radicale.makeCalendar('work', {}, name);
      const objects = [...seedCalendar({ events: EVENTS, seed: kept.length + 1, from: new Date() })];
      await radicale.seed(calendar, new Map(objects));
      kept.push({ calendar, objects });
      await (await service.as(name)).connect({ url: radicale.url, user: name, password });
    }
    const [seen, memory] = [lags(), [] as number[]];
    const heap = await openHeap(service.pid(), service.output);
    let changes = 0;
    let early: LiveHeap | null = null;
    const end = performance.now() + minutes * 60_000;
    let nextChange = performance.now();
    while (performance.now() < end) {
      seen.see(await service.rows<State>('select calendar_id, due_at, last_success_at from sync_state'));
      memory.push(megabytes(service.pid()));
      if (early === null && performance.now() >= end - minutes * 48_000) early = await heap.live();
      if (performance.now() >= nextChange) {
        const { calendar, objects } = kept[changes % kept.length] ?? { calendar: '', objects: [] };
        const [file, text] = objects[changes % EVENTS] ?? ['', ''];
        await radicale.put(calendar, file, text.replace(/^SUMMARY:.*$/m, `SUMMARY:Changed ${changes}`));
        changes += 1;
        nextChange += 60_000 / CHANGES_A_MINUTE;
      }
      await sleep(SAMPLE);
    }
    const fifth = Math.floor(memory.length / 5);
    const late = await heap.live();
    heap.close();
    return {
      lag: { p50: percentile(seen.found, 0.5), p95: percentile(seen.found, 0.95) },
      longestRest: seen.rests.reduce((longest, rest) => Math.max(longest, rest), 0),
      syncs: seen.found.length,
      changes,
      memory: { early: mean(memory.slice(fifth, 2 * fifth)), late: mean(memory.slice(4 * fifth)) },
      live: { early: early ?? late, late },
    };
  } finally {
    await service.stop();
    await radicale.stop();
  }
};
