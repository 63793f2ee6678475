import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { caldavProvider } from '../../src/provider/caldav/caldav.provider.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';
import { type ScanEnd, type ScanRequest } from '../../src/provider/calendar-provider.js';
import { type Database } from '../../src/kernel/sql.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { memoryAccount } from '../support/builders.js';
import { allowed, nearHttp, nothingKnown } from '../support/caldav.js';
import { type MadeCalendar, startMadeCalendar } from '../support/made-calendar.js';
import {
  type Adopted,
  adopted,
  changedIn,
  chunks,
  lunch,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

const DAY = 86_400_000;
const SMALL = 2_000;
const LARGE = 12_000;

const http = nearHttp();
let made: MadeCalendar;

beforeAll(async () => {
  await startSyncing();
  made = await startMadeCalendar(LARGE, 0);
});
afterAll(async () => {
  await made.stop();
  await http.close();
  await stopSyncing();
});

const days = (from: number, to: number) => {
  const [start = '', end = ''] = [from, to].map((day) => new Date(Date.now() + day * DAY).toISOString());
  return { start, end };
};

type Taken = Readonly<{ objects: number; distinct: number; mostHeld: number; longestPage: number; end: ScanEnd }>;

/** Reads a made-up calendar, slowly, and counts how many objects have been read and not been taken in yet. */
const read = async (request: Partial<ScanRequest> = {}, server = made): Promise<Taken> => {
  let parsed = 0;
  const parse: typeof parseResource = (text, source) => {
    parsed += 1;
    return parseResource(text, source);
  };
  const provider = caldavProvider({ http, clock: { now: () => Date.now() }, parse });
  const secret = { serverUrl: server.url, username: 'ada', password: 'open sesame' };
  const whole = { cursor: null, soon: days(-1, 30), window: days(-30, 400), known: nothingKnown, held: 0, list: false, call: allowed() };
  const scan = provider.scan(fixedGrant(secret), `${server.url}dav/ada/work/`, { ...whole, ...request });
  const seen = new Set<string>();
  let [objects, mostHeld, longestPage] = [0, 0, 0];
  for (;;) {
    const step = await scan.next();
    mostHeld = Math.max(mostHeld, parsed - objects);
    if (step.done === true) return { objects, distinct: seen.size, mostHeld, longestPage, end: step.value };
    longestPage = Math.max(longestPage, step.value.changes.length);
    // As long as others are at work, more of an answer may arrive.
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (const change of step.value.changes) {
      if (change.kind !== 'object') continue;
      objects += 1;
      seen.add(change.object.remoteId);
    }
  }
};

describe('A calendar of any size', () => {
  it('is read whole with as many objects in hand as a smaller one', async () => {
    const large = await read();
    expect(large).toMatchObject({ distinct: LARGE, objects: LARGE, end: { whole: true, expected: LARGE } });
    made.shrink(SMALL);
    const small = await read();
    expect(small).toMatchObject({ distinct: SMALL, objects: SMALL });
    // A thousand of the urgent days, and what one piece of an answer holds beyond.
    for (const { mostHeld, longestPage } of [small, large]) {
      expect(mostHeld).toBeLessThanOrEqual(1_500);
      expect(longestPage).toBeLessThanOrEqual(250);
    }
    // Everything in one answer, once for each: what it does not bring is read by name.
    expect(made.requests.get('calendar-query')).toBe(2);
  });
});

describe('A calendar of large objects', () => {
  it('is read with few of them in hand, however many are asked for at once', async () => {
    const heavy = await startMadeCalendar(240, 200_000);
    try {
      const { objects, distinct, mostHeld } = await read({}, heavy);
      expect([objects, distinct]).toEqual([240, 240]);
      // Two answers of four million characters each.
      expect(mostHeld).toBeLessThanOrEqual(45);
    } finally {
      await heavy.stop();
    }
  });
});

/** A database that remembers the most rows a statement brought, and the longest list one was given. */
const watched = () => {
  const most = { rows: 0, values: 0 };
  const query: Database['query'] = async <Row>(text: string, values: readonly unknown[] = []) => {
    const rows = await stores.database.query<Row>(text, values);
    most.rows = Math.max(most.rows, rows.length);
    most.values = Math.max(most.values, ...values.map((value) => (Array.isArray(value) ? value.length : 0)));
    return rows;
  };
  return { most, database: { ...stores.database, query } };
};

const known = async ({ calendarId }: Adopted): Promise<number> => {
  const [row] = await stores.database.query<{ count: string }>('select count(*) from remote_object where calendar_id = $1', [calendarId]);
  return Number(row?.count ?? 0);
};

describe('What is known of a calendar', () => {
  it('is looked up and remembered for some objects at a time', async () => {
    const calendar = await adopted(memoryAccount(1_000));
    const objects = Array.from({ length: 6_000 }, (_, index) => lunch(`event-${index}`, 1 + (index % 300)));
    const { most, database } = watched();
    calendar.account.put(...objects);
    await sync(calendar, database);
    const feed = await chunks(calendar);
    // Every object with another etag and the same content, and then everything again.
    calendar.account.put(...objects);
    await sync(calendar, database);
    expect(await chunks(calendar)).toHaveLength(feed.length);
    calendar.account.forgetCursors();
    await sync(calendar, database);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, generation: 2 });
    expect(changedIn(await chunks(calendar)).slice(-6_000)).not.toContain(true);
    expect([await known(calendar), most.rows, most.values]).toEqual([6_000, 5_000, 2_000]);
  });
});

describe('A calendar that loses very much at once', () => {
  it('is told so in parts that the event store takes', async () => {
    const calendar = await adopted();
    await stores.database.query(
      `insert into remote_object (calendar_id, ref, generation) select $1, left(md5(n::text), 22), 0 from generate_series(1, 60000) n`,
      [calendar.calendarId],
    );
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
    const deltas = await chunks(calendar);
    expect(deltas.reduce((sum, { removals }) => sum + removals.length, 0)).toBe(60_000);
    expect(Math.max(...deltas.map(({ removals }) => removals.length))).toBeLessThan(10_000);
    expect(await known(calendar)).toBe(0);
  });

  it('or cannot be read at all, is told so in parts too', async () => {
    const calendar = await adopted(memoryAccount(1_000));
    for (let index = 0; index < 50_000; index += 1) calendar.account.spoil(`event-${index}`);
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
    const deltas = await chunks(calendar);
    expect(deltas.reduce((sum, { kept }) => sum + kept.length, 0)).toBe(50_000);
    expect(Math.max(...deltas.map(({ kept }) => kept.length))).toBeLessThan(10_000);
  });
});
