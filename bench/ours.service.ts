import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type Service, startService } from '../test/support/service.js';
import { type ConnectionView } from '../src/connection/connection.contract.js';
import { type EventPage, type EventView } from '../src/merged-events/events.contract.js';
import { occurrenceKey } from './expected.ical.js';
import { median, timed } from './timing.js';

export type Connected = Readonly<{ answered: number; soon: number; complete: number }>;
export type Paged = Readonly<{ milliseconds: number; pages: number; events: readonly EventView[] }>;

// Often enough for a figure in tenths of a second, rarely enough not to be in the way of what is measured.
const POLL = 100;
const PAGE = 500;
const LIMIT = 300_000;
const CHANGES = 5;

/** What `Expectation` compares: days are those of UTC. */
export const keysOf = (events: readonly EventView[]): readonly string[] =>
  events.map(({ start, end, title }) => occurrenceKey(Date.parse(start), Date.parse(end), title ?? ''));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const stopKeepingData = async (service: Service): Promise<void> => {
  const pid = service.pid();
  process.kill(pid, 'SIGTERM');
  while (isAlive(pid)) await sleep(POLL);
};

/** First start with an empty data folder, and a second one with what that left. Milliseconds until ready. */
export const startTwice = async (
  settings: Readonly<Record<string, string>>,
): Promise<Readonly<{ service: Service; cold: number; second: number }>> => {
  const { result: service, milliseconds: cold } = await timed(() => startService(settings));
  await stopKeepingData(service);
  const { milliseconds: second } = await timed(service.restart);
  return { service, cold, second };
};

const pageOf = async (client: Client, range: string, limit: number): Promise<EventPage> => {
  const { status, body } = await client.request<EventPage>('GET', `/v1/calendar/events?range=${range}&limit=${limit}`);
  if (status !== 200) throw new Error(`GET /v1/calendar/events answered ${status}.`);
  return body;
};

const isComplete = async (client: Client): Promise<boolean> => {
  const { body } = await client.request<{ items: readonly ConnectionView[] }>('GET', '/v1/calendar/connections');
  return body.items.every(({ status, calendars }) => status === 'connected' && calendars.some(({ adopted }) => adopted));
};

const withinLimit = (began: number, what: string): void => {
  if (performance.now() - began > LIMIT) throw new Error(`${what} took more than ${LIMIT / 1_000} s.`);
};

/**
 * Connects the account. Milliseconds from the request on: until it is answered; until the next 30 days have all of their occurrences, which
 * are counted once a first one shows; until every calendar is said to be read to its end.
 */
export const measureFirstSync = async (
  client: Client,
  connect: () => Promise<unknown>,
  range: string,
  expected: number,
): Promise<Connected> => {
  const began = performance.now();
  const since = (): number => performance.now() - began;
  await connect();
  const answered = since();
  let [soon, complete] = [Number.NaN, Number.NaN];
  while (Number.isNaN(complete)) {
    if (Number.isNaN(soon) && (await pageOf(client, range, 1)).items.length > 0 && (await client.events(range)).length === expected)
      soon = since();
    if (await isComplete(client)) complete = since();
    withinLimit(began, 'The first sync');
    await sleep(POLL);
  }
  return { answered, soon: Number.isNaN(soon) ? complete : soon, complete };
};

/** Reads the whole range by pages of 500. */
export const measurePaging = async (client: Client, range: string): Promise<Paged> => {
  const { result: events, milliseconds } = await timed(() => client.events(range, PAGE));
  return { milliseconds, pages: Math.ceil(events.length / PAGE), events };
};

/** Changes another event on the server, so that it has this title; answers the day it is on. */
export type Change = (title: string) => Promise<Readonly<{ day: string }>>;

/**
 * Until an event that was changed on the server is read with its new title, from asking for a sync (`ask`), or from the change itself where the
 * server tells of it; the middle of five.
 */
export const measureOneChange = async (client: Client, change: Change, ask: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let round = 1; round <= CHANGES; round += 1) {
    const title = `Changed for the service ${round}`;
    const { day } = await change(title);
    // A day on either side: the date is that of the event's own zone.
    const [from, to] = [-1, 2].map((days) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10));
    const began = performance.now();
    await ask();
    while (!(await pageOf(client, `${from}/${to}`, PAGE)).items.some((event) => event.title === title)) {
      withinLimit(began, 'One change');
      await sleep(POLL);
    }
    times.push(performance.now() - began);
  }
  return median(times);
};

/** A sync that finds nothing new, from asking for it until it is done. */
export const measureUnchanged = async (client: Client): Promise<number> => (await timed(() => client.sync())).milliseconds;
