import pg from 'pg';
import { Pool } from 'undici';
import { named } from '../src/kernel/sql.js';
import { EVENTS_SQL, FIRST } from '../src/merged-events/events.sql.js';
import { type EventPage } from '../src/merged-events/events.contract.js';
import { median } from './timing.js';
import { personOf } from './population.js';
import { press, type Pressure } from './pressure.js';

const DAY = 86_400_000;
const AT_ONCE = 16;
const LIMIT = 500;
const ROUNDS = 3;

type Question = Readonly<{ person: string; start: string; end: string }>;

/** A month of anybody, anywhere in the year ahead; the same questions for the service and for the bare SQL. */
const questions = (people: number, count: number, from: number): readonly Question[] =>
  Array.from({ length: count }, (_, index) => {
    const start = from + ((index * 37) % 330) * DAY;
    return {
      person: personOf((index * 7_919) % people),
      start: new Date(start).toISOString(),
      end: new Date(start + 30 * DAY).toISOString(),
    };
  });

const bare = (pool: pg.Pool, asked: readonly Question[], found: number[]) => async (index: number) => {
  const { person, start, end } = asked[index % asked.length] as Question;
  const range = { userId: person, from: start, to: end, provider: null, calendarId: null, limit: LIMIT + 1 };
  const after = { afterStart: FIRST.start, afterCalendar: FIRST.calendarId, afterSeries: FIRST.series, afterOriginal: FIRST.original };
  const [text, values] = named(EVENTS_SQL, { ...range, ...after });
  const { rowCount } = await pool.query(text, [...values]);
  found[index] = rowCount ?? 0;
};

const served = (pool: Pool, tokens: ReadonlyMap<string, string>, asked: readonly Question[], found: number[]) => async (index: number) => {
  const { person, start, end } = asked[index % asked.length] as Question;
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: `/v1/calendar/events?range=${start}/${end}&limit=${LIMIT}`,
    headers: { authorization: `Bearer ${tokens.get(person) ?? ''}` },
  });
  const page = (await body.json()) as EventPage;
  if (statusCode !== 200) throw new Error(`GET /v1/calendar/events answered ${statusCode}.`);
  found[index] = page.items.length;
};

const tokensFor = async (pool: Pool, people: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> => {
  const tokens = new Map<string, string>();
  for (const userId of people) {
    const asked = { method: 'POST', path: '/v1/dev/token', headers: { 'content-type': 'application/json' } } as const;
    const { body } = await pool.request({ ...asked, body: JSON.stringify({ userId }) });
    tokens.set(userId, ((await body.json()) as { token: string }).token);
  }
  return tokens;
};

export type MonthReading = Readonly<{ bare: Pressure; served: Pressure; occurrences: number; wrong: number }>;

const middle = (rounds: readonly Pressure[]): Pressure => ({
  p50: median(rounds.map(({ p50 }) => p50)),
  p95: median(rounds.map(({ p95 }) => p95)),
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
});

/** Reads months, 16 at once, by turns from the service and by its own SQL; `wrong` counts answers that differ in length. */
export const readMonths = async (url: string, databaseUrl: string, people: number, count: number, from: number): Promise<MonthReading> => {
  const database = new pg.Pool({ connectionString: databaseUrl, max: AT_ONCE, options: '-c timezone=UTC' });
  const http = new Pool(url, { connections: AT_ONCE });
  const asked = questions(people, count, from);
  const tokens = await tokensFor(http, new Set(asked.map(({ person }) => person)));
  const [rows, items]: [number[], number[]] = [[], []];
  const [bareCall, servedCall] = [bare(database, asked, rows), served(http, tokens, asked, items)];
  const [bares, serveds]: [Pressure[], Pressure[]] = [[], []];
  await press(count, AT_ONCE, bareCall);
  await press(count, AT_ONCE, servedCall);
  for (let round = 0; round < ROUNDS; round += 1) {
    bares.push(await press(count, AT_ONCE, bareCall));
    serveds.push(await press(count, AT_ONCE, servedCall));
  }
  await database.end();
  await http.close();
  return {
    bare: middle(bares),
    served: middle(serveds),
    occurrences: items.reduce((sum, length) => sum + length, 0),
    wrong: items.filter((length, index) => length !== rows[index] || length === 0).length,
  };
};
