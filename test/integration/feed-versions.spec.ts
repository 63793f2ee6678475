import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type z } from 'zod';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { codecOf } from '../../src/infra/codec.zod.js';
import { type Codec } from '../../src/kernel/event-store.js';
import { type Sql } from '../../src/kernel/sql.js';
import { type MergedEvent, userCalendarEvents } from '../../src/merged-events/user-calendar-events.projection.js';
import { feedCodec, feedSchemas } from '../../src/sync/feed.codec.js';
import { type DeltaSynced, FEED, type Upsert } from '../../src/sync/feed.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, openStores, type Stores } from '../support/store.js';
import { merged } from '../support/synced-calendar.js';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(pathOf(file), 'utf8'));
const sampleOf = (type: string): unknown => read(`eventstore/schemas/feed/${type}.sample.json`);

const { calendarId, userId } = feedCodec.decode('DeltaSynced.v1', sampleOf('DeltaSynced.v1'));
const at = '2026-03-16T04:00:02.118Z';
const [connectionId, eventId] = ['5c7d1a52-6f0e-4b3e-8a67-2f1d5e7b9c35', '9c7d1a52-6f0e-4b3e-8a67-2f1d5e7b9c36'];
const adopted: CalendarEvent = {
  ...{ type: 'CalendarAdopted', connectionId, userId, provider: 'caldav', writable: true, busyOnly: false, color: null },
  ...{ timeZone: 'Europe/Paris', sealed: 'sealed', at },
};

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

/** All but the zone rules of the program, which come with it and not from the log. Only the second version can say which objects are focus time. */
const TABLES = merged.tables.filter((table) => table !== 'event_zone_rules');

const rowsOf = async (sql: Sql) => {
  const rows: Record<string, readonly string[]> = {};
  for (const table of TABLES) {
    const found = await sql.query<{ row: string }>(`select (to_jsonb(t) - 'focus_time')::text as row from ${table} t order by 1`);
    rows[table] = found.map(({ row }) => row);
  }
  return rows;
};

/** The rows that some stored parts of a feed give, after the calendar was adopted. */
const rowsFrom = async (...stored: readonly Readonly<{ type: string; data: unknown }>[]) => {
  const log: readonly (readonly [stream: string, event: MergedEvent])[] = [
    [`calendar-${calendarId}`, adopted],
    ...stored.map(({ type, data }) => [`feed-${calendarId}`, feedCodec.decode(type, data)] as const),
  ];
  const undo = new Error('the next test begins without rows');
  let rows: Awaited<ReturnType<typeof rowsOf>> = {};
  await stores.database
    .transaction(async (sql) => {
      const events = log.map(([stream, event], index) => {
        const place = { revision: BigInt(index), position: BigInt(index + 1), id: eventId, recordedAt: at };
        return { stream, event, metadata: metadata('command'), ...place };
      });
      await merged.apply(sql, events);
      rows = await rowsOf(sql);
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  return rows;
};

/** What the rows of the first version's sample were when it was the only one. */
const BEFORE = read('test/fixtures/feed-v1/rows.json');
const V1 = { type: 'DeltaSynced.v1', data: sampleOf('DeltaSynced.v1') };

describe('A feed', () => {
  it('in its first version gives the rows it always gave, byte for byte', async () => {
    expect(await rowsFrom(V1)).toEqual(BEFORE);
  });

  it('in its second version gives the same rows, with any types, meetings and problems', async () => {
    const data = sampleOf('DeltaSynced.v2') as DeltaSynced;
    expect(new Set(data.upserts.map(({ eventType }) => eventType)).size).toBeGreaterThan(1);
    expect(await rowsFrom({ type: 'DeltaSynced.v2', data })).toEqual(BEFORE);
  });

  it('is written in its second version, also what was read in its first', () => {
    const written = feedCodec.encode(feedCodec.decode(V1.type, V1.data));
    expect(written.type).toBe('DeltaSynced.v2');
    const { upserts } = written.data as DeltaSynced;
    expect(upserts.length).toBeGreaterThan(0);
    for (const upsert of upserts) expect(upsert).toMatchObject({ eventType: 'default', meeting: null, problems: [] });
  });
});

describe('A reader that knows the first version of a feed alone', () => {
  const older = codecOf<DeltaSynced>({
    'DeltaSynced.v1': feedSchemas['DeltaSynced.v1'] as unknown as z.ZodType<Omit<DeltaSynced, 'type'>>,
  });
  const atEnd = testEndings();

  /** A calendar whose feed has a part of each version, and the families that know the feed by some codec. */
  const met = async () => {
    const calendar = randomUUID();
    const part = { ...feedCodec.decode(V1.type, V1.data), calendarId: calendar, final: false, removals: [], kept: [] };
    const { store } = stores;
    await store.append(`calendar-${calendar}`, -1n, [adopted], calendarCodec, metadata());
    // As the older program wrote it, which knew of no more fields.
    const [first, ...others] = part.upserts.map(({ eventType: _, meeting: __, problems: ___, ...upsert }) => upsert as Upsert);
    if (first === undefined) throw new Error('the sample has no objects');
    await store.append(`feed-${calendar}`, -1n, [{ ...part, upserts: [first] }], older, metadata());
    await store.append(`feed-${calendar}`, 0n, [{ ...part, upserts: part.upserts.slice(1) }], feedCodec, metadata());
    const refs = async () =>
      (await stores.database.query<{ ref: string }>('select ref from event_contents where calendar_id = $1', [calendar]))
        .map(({ ref }) => ref)
        .sort();
    return { refs, first: [first.ref], all: [first, ...others].map(({ ref }) => ref).sort() };
  };
  const knowing = (codecNow: () => Pick<Codec<DeltaSynced>, 'reads' | 'decode'>) =>
    userCalendarEvents([
      calendarFamily,
      {
        category: FEED,
        get codec() {
          return codecNow();
        },
      },
    ]);

  it('stops at the second, says so, frees its lock, and goes on when it knows the name', async () => {
    const { refs, first, all } = await met();
    let codec = older;
    const reader = startProjection(
      stores,
      knowing(() => codec),
      { unknown: 20 },
    );
    atEnd(reader.stop);
    await eventually('it has stopped', () => reader.progress.failure?.code === 'event-unknown');
    expect(reader.progress.failure?.sentence).toContain('DeltaSynced.v2');
    expect(reader.progress.running).toBe(false);
    expect(await refs()).toEqual(first);
    const held = `select 1 from pg_locks where locktype = 'advisory' and pid in (select pid from pg_stat_activity where datname = current_database())`;
    await eventually('its lock is free', async () => (await stores.database.query(held)).length === 0);
    codec = feedCodec;
    await eventually('all is there', async () => (await refs()).length === all.length);
    expect(await refs()).toEqual(all);
    await eventually('its failure is over', () => reader.progress.failure === null);
  });

  it('leaves the rest to a newer program beside it', async () => {
    const { refs, first, all } = await met();
    const reader = startProjection(
      stores,
      knowing(() => older),
      { unknown: 20 },
    );
    atEnd(reader.stop);
    await eventually('it has stopped', () => reader.progress.failure?.code === 'event-unknown');
    expect(await refs()).toEqual(first);
    const newer = startProjection(
      stores,
      knowing(() => feedCodec),
    );
    atEnd(newer.stop);
    await eventually('all is there', async () => (await refs()).length === all.length);
    await eventually('the older one stands by', () => reader.progress.failure === null && !reader.progress.running);
    expect(newer.progress).toMatchObject({ running: true, failure: null });
  });
});
