import { setTimeout as sleep } from 'node:timers/promises';
import { emptyCalendar, startTestSandbox } from '../test/support/sandbox.js';
import { seedCalendar } from '../test/support/seed.js';
import { type Client } from '../test/support/service.js';
import { type EventPage } from '../src/merged-events/events.contract.js';
import { percentile } from './pressure.js';
import { timed } from './timing.js';

/** Milliseconds. */
export type Percentiles = Readonly<{ p50: number; p95: number }>;

/** `syncs` from asking for a sync until the change can be read, `reads` of a month. */
export type Span = Readonly<{ syncs: Percentiles; reads: Percentiles }>;

export type Amounts = Readonly<{ syncs: number; requests: number; minutes: number }>;

/** Somebody with one calendar of 200 events on a server of their own. */
export type OtherPerson = Readonly<{
  /** Syncs one after the other and reads at fixed times, both spread over the minutes; a read does not wait for the one before. */
  measure: (amounts: Amounts) => Promise<Span>;
  stop: () => Promise<void>;
}>;

const EVENTS = 200;
const SEED = 14;
const POLL = 100;
const LIMIT = 120_000;
const DAY = 86_400_000;
const CHANGED = 'changed.ics';

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

const changedText = (title: string, day: string): string =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//bench//EN', 'BEGIN:VEVENT', 'UID:changed', 'DTSTAMP:20260101T000000Z'],
    ...[`DTSTART:${day.replaceAll('-', '')}T100000Z`, 'DURATION:PT1H', `SUMMARY:${title}`, 'END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');

const pageOf = async (client: Client, range: string): Promise<EventPage> => {
  const { status, body } = await client.request<EventPage>('GET', `/v1/calendar/events?range=${range}&limit=500`);
  if (status === 429) throw new Error('The person who is measured was refused by RATE_LIMIT: take more minutes.');
  if (status !== 200) throw new Error(`GET /v1/calendar/events answered ${status}.`);
  return body;
};

const untilRead = async (client: Client, range: string, title: string): Promise<void> => {
  const { status } = await client.request('POST', '/v1/calendar/sync', {});
  if (status !== 202) throw new Error(`POST /v1/calendar/sync answered ${status}.`);
  for (const end = performance.now() + LIMIT; ;) {
    if ((await pageOf(client, range)).items.some((event) => event.title === title)) return;
    if (performance.now() > end) throw new Error(`A change was not read within ${LIMIT / 1_000} s.`);
    await sleep(POLL);
  }
};

const percentilesOf = (times: readonly number[]): Percentiles => ({ p50: percentile(times, 0.5), p95: percentile(times, 0.95) });

export const startOtherPerson = async (client: Client): Promise<OtherPerson> => {
  const now = Date.now();
  const [today, tomorrow, later] = [0, 1, 30].map((days) => dayOf(now + days * DAY)) as [string, string, string];
  const objects = new Map([
    ...seedCalendar({ events: EVENTS, seed: SEED, from: new Date(now) }),
    [CHANGED, changedText('Unchanged', today)] as const,
  ]);
  const sandbox = await startTestSandbox([{ ...emptyCalendar('work'), objects }]);
  await client.connect(sandbox);
  await client.settled();
  let changes = 0;
  const sync = async (): Promise<number> => {
    const title = `Changed ${changes++}`;
    await sandbox.put(sandbox.calendar('work'), CHANGED, changedText(title, today));
    return (await timed(() => untilRead(client, `${today}/${tomorrow}`, title))).milliseconds;
  };
  const syncsOver = async (count: number, milliseconds: number): Promise<readonly number[]> => {
    const [began, times] = [performance.now(), [] as number[]];
    for (let index = 0; index < count; index += 1) {
      await sleep(Math.max(0, began + (index * milliseconds) / count - performance.now()));
      times.push(await sync());
    }
    return times;
  };
  const readsOver = (count: number, milliseconds: number): Promise<readonly number[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        await sleep((index * milliseconds) / count);
        return (await timed(() => pageOf(client, `${today}/${later}`))).milliseconds;
      }),
    );
  return {
    measure: async ({ syncs, requests, minutes }) => {
      const [synced, read] = await Promise.all([syncsOver(syncs, minutes * 60_000), readsOver(requests, minutes * 60_000)]);
      return { syncs: percentilesOf(synced), reads: percentilesOf(read) };
    },
    stop: sandbox.stop,
  };
};
