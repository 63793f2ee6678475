import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { zonesCodec } from '../../src/merged-events/zone-change.codec.js';
import { bringZoneRules } from '../../src/merged-events/zone-change.handler.js';
import { type ZoneRulesChanged } from '../../src/merged-events/zone-change.js';
import { zoneMarks } from '../../src/time/zone-marks.js';
import { ZONE_RULES_RELEASED, ZONE_RULES_VERSION } from '../../src/time/zone-rules.js';
import { instant } from '../../src/kernel/clock.js';
import { type ChangeView } from '../../src/merged-events/changes/changes.contract.js';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes/changes.query.js';
import { NewerZoneRules } from '../../src/merged-events/zone-rules.rows.js';
import { calendarObject, component, memoryAccount, NOW } from '../support/builders.js';
import {
  type Adopted,
  adopted,
  merged,
  place,
  placements,
  replay,
  shown,
  startSyncing,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const VANCOUVER = 'America/Vancouver';
const at = (wall: string, zone: string | null) => ({ wall: `2026-${wall}`, zone });
const object = (remoteId: string, ...timings: Parameters<typeof component>[0][]) =>
  calendarObject(remoteId, { components: timings.map((timing) => component(timing, { uid: remoteId, title: remoteId })) });

const weekly = { start: at('10-26T09:00:00', VANCOUVER), rules: ['FREQ=WEEKLY;COUNT=9'], exdates: [at('12-14T09:00:00', VANCOUVER)] };
const moved = { recurrenceId: at('12-07T09:00:00', VANCOUVER), start: at('12-08T11:00:00', VANCOUVER) };
const office = { start: '1970-01-01T00:00:00', offsetFrom: -28_800, offsetTo: -28_800, rule: null, dates: [] };

const OBJECTS = [
  object('weekly', weekly, moved),
  object('once', { start: at('12-03T09:00:00', VANCOUVER) }),
  object('alias', { start: at('12-04T09:00:00', 'canada/pacific') }),
  object('paris', { start: at('12-03T09:00:00', 'Europe/Paris'), rules: ['FREQ=DAILY;COUNT=5'] }),
  object('elsewhere', { start: at('12-03T17:00:00', 'UTC') }),
  object('day', { start: { date: '2026-12-05' }, span: { days: 1, seconds: 0 } }),
  object('floating', { start: at('12-06T09:00:00', null) }),
  { ...object('custom', { start: at('12-03T09:00:00', 'custom-1') }), zones: { 'custom-1': [office] } },
];

const rowsOf = async ({ calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ line: string }>(
    `select concat_ws(' ', series, start_at::text, end_at::text, original, local_start, zone) as line from user_calendar_events
     where calendar_id = $1 order by start_at, series, original`,
    [calendarId],
  );
  return rows.map(({ line }) => line);
};

/** Occurrences as a program with rules of 2025c placed them: in Vancouver an hour later from November 2026 on. */
const placeByOldRules = async ({ calendarId }: Adopted): Promise<void> => {
  await stores.database.query(
    `update user_calendar_events set start_at = start_at + interval '1 hour', end_at = end_at + interval '1 hour', original = case
       when original like '%T%' and original > '2026-11-01T09' then to_char((original::timestamptz + interval '1 hour') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
       else original end
     where calendar_id = $1 and lower(zone) in ('america/vancouver', 'canada/pacific') and start_at > '2026-11-01T09:00:00Z'
       and ref not in (select ref from event_contents c where c.calendar_id = $1 and c.timings::text like '%custom%')`,
    [calendarId],
  );
  await stores.database.query(`update event_zone_rules set version = '2025c'`);
};

/** The log as an older program left it: its rules differ from this program's for the zones that are named. */
const olderRules = (version: string, zones: readonly string[]): Promise<void> =>
  bringZoneRules(
    { store: stores.store, clock: { now: () => NOW }, entropy: { uuid: () => randomUUID() } },
    { version, released: '2025-12-11', marks: { ...zoneMarks(), ...Object.fromEntries(zones.map((zone) => [zone, '00000000'])) } },
  );

const startNewProgram = (): Promise<void> =>
  bringZoneRules({ store: stores.store, clock: { now: () => NOW }, entropy: { uuid: () => randomUUID() } });

const changesSince = async ({ userId }: Adopted, after: string | null) =>
  new MyChangesHandler(stores.database, { now: () => NOW }).execute(new MyChanges({ userId, roles: ['user'], teams: [] }, after, 100));

const told = ({ change, event }: ChangeView): string => `${change} ${event?.start ?? ''}`;

const facts = async (): Promise<readonly ZoneRulesChanged[]> => await stores.store.load('zones-iana', zonesCodec);

/** Lets the projection apply a fact of the zone rules. */
const apply = (event: unknown): Promise<void> =>
  stores.database.transaction((sql) =>
    merged.apply(sql, [{ stream: 'zones-iana', event, position: 1n } as unknown as Parameters<typeof merged.apply>[1][number]]),
  );

const names = (rows: readonly string[]): readonly string[] => rows.map((row) => row.slice(0, row.indexOf(' ')));

describe('Sync-rule 38: newer zone rules', () => {
  let home: Adopted;
  let abroad: Adopted;
  let right: readonly string[];
  let cursors: readonly (string | null)[];

  beforeAll(async () => {
    await olderRules('2025c', [VANCOUVER, 'Canada/Pacific', 'America/Edmonton']);
    home = await adopted(memoryAccount(), VANCOUVER);
    abroad = await adopted(memoryAccount(), 'Europe/Paris');
    home.account.put(...OBJECTS);
    abroad.account.put(...OBJECTS.filter(({ remoteId }) => ['paris', 'elsewhere', 'custom', 'day'].includes(remoteId)));
    for (const calendar of [home, abroad]) {
      await sync(calendar);
      await shown(calendar);
    }
    right = await rowsOf(home);
    await placeByOldRules(home);
    cursors = await Promise.all([home, abroad].map(async (calendar) => (await changesSince(calendar, null)).nextCursor));
    await startNewProgram();
    await shown(home);
  });

  it('are a fact of the log that says which zones changed, written once by those that start at once', async () => {
    await Promise.all([startNewProgram(), startNewProgram(), olderRules('2026a', [])]);
    const written = await facts();
    expect(written.map(({ version, changed }) => [version, changed])).toEqual([
      ['2025c', null],
      [ZONE_RULES_VERSION, ['America/Edmonton', VANCOUVER, 'Canada/Pacific']],
    ]);
    expect(written[1]).toMatchObject({ released: ZONE_RULES_RELEASED, at: instant(NOW) });
  });

  it('leave work for the calendars that are concerned, and for no others', async () => {
    expect(names((await placements(home)).map(({ name }) => name))).toEqual(['zone-rules']);
    expect(await placements(abroad)).toEqual([]);
  });

  it('move exactly the occurrences that are in such a zone, by name, by alias, or because their calendar is', async () => {
    const before = new Set(await rowsOf(home));
    await place(home);
    const after = await rowsOf(home);
    expect(after).toEqual(right);
    expect(after.filter((row) => before.has(row)).length).toBe(8);
    expect(after.some((row) => row.includes('2026-12-03 16:00:00+00 2026-12-03 17:00:00+00'))).toBe(true);
    expect(await placements(home)).toEqual([]);
  });

  it('are told as changes of those that moved; an instance of a series has another name, so the old one goes and the new one comes', async () => {
    const { items } = await changesSince(home, cursors[0] ?? null);
    expect(items.map(told).sort()).toEqual(
      [
        'changed 2026-12-03T16:00:00.000Z',
        'changed 2026-12-04T16:00:00.000Z',
        'changed 2026-12-05',
        'changed 2026-12-06T16:00:00.000Z',
        ...['11-02', '11-09', '11-16', '11-23', '11-30', '12-21'].flatMap((date) => [
          `removed 2026-${date}T17:00:00.000Z`,
          `added 2026-${date}T16:00:00.000Z`,
        ]),
        'removed 2026-12-08T19:00:00.000Z',
        'added 2026-12-08T18:00:00.000Z',
      ].sort(),
    );
    expect((await changesSince(abroad, cursors[1] ?? null)).items).toEqual([]);
  });

  it('change nothing when they are placed by again', async () => {
    // Of what was told right behind the checkpoint, nothing is told again once that has moved.
    await shown(home);
    const { nextCursor } = await changesSince(home, null);
    await stores.database.query(`update event_zone_rules set version = '2025c'`);
    const fact = (await facts())[1];
    if (fact === undefined) throw new Error('there is no such fact');
    await apply(fact);
    await place(home);
    expect(await rowsOf(home)).toEqual(right);
    expect((await changesSince(home, nextCursor)).items).toEqual([]);
  });

  it('place everything by themselves in a replay from the first event, and leave nothing to be done', async () => {
    await replay();
    expect(await rowsOf(home)).toEqual(right);
    expect(await placements(home)).toEqual([]);
    expect(await placements(abroad)).toEqual([]);
    // What was told one by one is not known any more.
    expect((await changesSince(home, cursors[0] ?? null)).items.map(told)).toEqual(['calendar-changed ']);
    expect((await changesSince(abroad, cursors[1] ?? null)).items).toEqual([]);
    expect(await stores.database.query('select version from event_zone_rules')).toEqual([{ version: ZONE_RULES_VERSION }]);
  });

  it('look at every calendar with something in a zone, when it is not known by which rules it was placed', async () => {
    const [first] = await facts();
    if (first === undefined) throw new Error('there is no such fact');
    await placeByOldRules(home);
    await stores.database.query(`update event_zone_rules set version = ''`);
    const fact = { ...first, version: ZONE_RULES_VERSION };
    await apply(fact);
    for (const calendar of [home, abroad]) await place(calendar);
    expect(await rowsOf(home)).toEqual(right);
  });

  it('stop a program that has older ones, before it places anything', async () => {
    const [first] = await facts();
    const newer = { ...first, version: '9999a', changed: [] };
    await expect(apply(newer)).rejects.toBeInstanceOf(NewerZoneRules);
    const rolledBack = stores.database.transaction(async (sql) => {
      await sql.query(`update event_zone_rules set version = '9999a'`);
      await merged.apply(sql, []);
    });
    await expect(rolledBack).rejects.toBeInstanceOf(NewerZoneRules);
  });
});
