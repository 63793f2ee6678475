import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../../src/sync/freshness.js';
import { objectsUnread } from '../../src/sync/reasons.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { tendConnection } from '../../src/connection/connection.worker.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { measureState } from '../../src/app/measures.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { component, calendarObject, NOW } from '../support/builders.js';
import { eventually, metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  adoptedTwo,
  chunks,
  claim,
  facts,
  factTypes,
  failing,
  lunch,
  MINUTE,
  passTime,
  presentOf,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';
import { syncCalendar } from '../../src/sync/sync.run.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

/** What became of the account as a whole, after it was connected. */
const accountFacts = async ({ connectionId }: Adopted): Promise<readonly ConnectionEvent[]> =>
  (await stores.store.load(`connection-${connectionId}`, connectionCodec)).slice(1);

/** Two calendars of one account, each read once. */
const two = async (): Promise<readonly [Adopted, Adopted]> => {
  const [work, home] = await adoptedTwo();
  for (const calendar of [work, home]) {
    calendar.account.put(lunch('a'));
    await sync(calendar);
  }
  return [work, home];
};

/** What its owner is shown of a calendar. */
const freshness = async (calendar: Adopted) => {
  await stores.database.query(
    `insert into calendars (calendar_id, connection_id, user_id, provider, status, mode, privacy, visible, writable, busy_only, sealed, generation, revision)
     values ($1, $2, $3, 'caldav', 'adopted', 'read_only', 'busy_only', true, true, false, '', 0, 0) on conflict do nothing`,
    [calendar.calendarId, calendar.connectionId, calendar.userId],
  );
  const [row] = await stores.database.query<FreshnessRow>(FRESHNESS_SQL, [calendar.userId, null]);
  if (row === undefined) throw new Error('there is no such calendar');
  return freshnessOf(row, presentOf());
};

describe('An account that cannot be reached', () => {
  it('is said to fail once, reads on when it is back, and is said to have recovered when nothing of it fails', async () => {
    const [work, home] = await two();
    passTime(16 * MINUTE);
    await failing(work, 'unavailable');
    await failing(home, 'unavailable');
    expect(await accountFacts(work)).toMatchObject([{ type: 'ConnectionFailing', fault: 'unavailable', needsReconnect: false }]);
    for (const calendar of [work, home]) expect(await shown(calendar)).toEqual(['a']);
    passTime(3 * 60 * MINUTE);
    await failing(home, 'unavailable');
    expect(await stateOf(home)).toMatchObject({ dueIn: 10 * MINUTE });
    await sync(work);
    expect(await stateOf(home)).toMatchObject({ fault: 'unavailable', dueIn: 0 });
    expect(await accountFacts(work)).toHaveLength(1);
    await sync(home);
    expect((await accountFacts(work)).map(({ type }) => type)).toEqual(['ConnectionFailing', 'ConnectionRecovered']);
    for (const calendar of [work, home]) expect((await factTypes(calendar)).slice(2)).toEqual(['SyncFailed', 'SyncRecovered']);
  });

  it('and asks for time is given it by all of its calendars', async () => {
    const [work, home] = await two();
    await failing(work, 'throttled', 7_200);
    expect([await stateOf(work), await stateOf(home)]).toMatchObject([{ dueIn: 120 * MINUTE }, { dueIn: 120 * MINUTE, fault: null }]);
  });

  it('is no fault of the account when one of its calendars is gone or makes no sense', async () => {
    const [work, home] = await two();
    for (const fault of ['calendar-gone', 'malformed', 'forbidden'] as const) await failing(work, fault);
    expect(await accountFacts(work)).toEqual([]);
    await sync(home);
    expect(await stateOf(home)).toMatchObject({ fault: null });
    await sync(work);
    expect(await accountFacts(work)).toEqual([]);
  });
});

describe('A fault that passes', () => {
  it('while what is shown is fresh is not told, and leaves no fact, however often it comes', async () => {
    const [work] = await two();
    for (let time = 0; time < 5; time += 1) {
      passTime(5 * MINUTE);
      for (const fault of ['unavailable', 'throttled', 'malformed', 'refused-address'] as const) await failing(work, fault);
      expect(await freshness(work)).toMatchObject({ state: 'fresh', code: null, nextAttemptAt: null });
      await sync(work);
    }
    expect(await factTypes(work)).toEqual(['GenerationStarted', 'BaselineCompleted']);
    expect(await accountFacts(work)).toEqual([]);
  });

  it('and outlasts the freshness of what is shown is told once, as its end is', async () => {
    const [work] = await two();
    await failing(work, 'unavailable');
    passTime(16 * MINUTE);
    for (let time = 0; time < 3; time += 1) await failing(work, 'unavailable');
    expect(await freshness(work)).toMatchObject({ state: 'failing', code: 'unavailable' });
    await sync(work);
    expect((await factTypes(work)).slice(2)).toEqual(['SyncFailed', 'SyncRecovered']);
    expect((await accountFacts(work)).map(({ type }) => type)).toEqual(['ConnectionFailing', 'ConnectionRecovered']);
  });

  it.each([
    ['unavailable', 0, []],
    ['unavailable', 16, ['ConnectionFailing']],
    ['access-revoked', 0, ['ConnectionFailing']],
  ] as const)('%s, met while its calendars are listed, %i minutes after one was read, leaves %j', async (fault, minutes, told) => {
    const [work] = await two();
    passTime(minutes * MINUTE);
    const [row] = await stores.database.query<ConnectionRow & { epoch: string }>(
      'update connection_state set epoch = epoch + 1 where connection_id = $1 returning *',
      [work.connectionId],
    );
    if (row === undefined) throw new Error('there is no such row');
    const provider = { ...work.account.provider, discover: () => Promise.reject(new ProviderFault(fault, 'for a while')) };
    const runtime = { ...runtimeOf(work), providers: new Map([['caldav', provider]]) };
    const lease = { epoch: BigInt(row.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
    await tendConnection(runtime)(row, lease);
    expect((await accountFacts(work)).map(({ type }) => type)).toEqual(told);
  });

  it('is told at once of a calendar that was never read', async () => {
    const calendar = await adopted();
    await failing(calendar, 'unavailable');
    expect((await factTypes(calendar)).slice(-1)).toEqual(['SyncFailed']);
  });

  it.each(['forbidden', 'calendar-gone'] as const)('is none when it is %s: that is told at once', async (fault) => {
    const [work] = await two();
    await failing(work, fault);
    expect(await facts(work)).toContainEqual(expect.objectContaining({ type: 'SyncFailed', fault }));
    expect(await freshness(work)).toMatchObject({ state: 'failing', code: fault });
  });
});

describe('A password that is refused', () => {
  const refused = async (): Promise<readonly [Adopted, Adopted]> => {
    const [work, home] = await two();
    work.account.refuse();
    home.account.refuse();
    await sync(work);
    await eventually('the other calendar is left alone', async () => (await stateOf(home)).dueIn === Infinity);
    return [work, home];
  };
  const append = ({ connectionId, userId }: Adopted, type: 'ConnectionReauthorized' | 'ConnectionRecovered') =>
    stores.store.append(
      `connection-${connectionId}`,
      null,
      [
        type === 'ConnectionRecovered'
          ? { type, userId, at: new Date(NOW).toISOString() }
          : { type, userId, account: 'a', at: new Date(NOW).toISOString() },
      ],
      connectionCodec,
      metadata(),
    );

  it('is tried for no other calendar of the account, and its owner is asked to reconnect', async () => {
    const [work, home] = await refused();
    expect(home.account.scans()).toHaveLength(1);
    for (const calendar of [work, home]) expect(await stateOf(calendar)).toMatchObject({ fault: 'access-revoked', dueIn: Infinity });
    expect(await accountFacts(work)).toMatchObject([{ type: 'ConnectionFailing', fault: 'access-revoked', needsReconnect: true }]);
    for (const calendar of [work, home]) expect(await shown(calendar)).toEqual(['a']);
  });

  it.each(['ConnectionReauthorized', 'ConnectionRecovered'] as const)(
    'and is good again after %s lets everything be read',
    async (type) => {
      const [work, home] = await refused();
      work.account.refuse(false);
      home.account.refuse(false);
      await append(work, type);
      for (const calendar of [work, home]) {
        await eventually('it is due', async () => (await stateOf(calendar)).dueIn === 0);
        expect((await stateOf(calendar)).fault).toBeNull();
        await sync(calendar);
        expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
      }
      expect((await factTypes(work)).slice(2)).toEqual(['SyncFailed', 'SyncRecovered']);
    },
  );

  it('sync-rule 37: because of a policy is told so of every calendar of the account, until its owner connects again', async () => {
    const [work, home] = await two();
    const ended = new ProviderFault('access-policy', 'a new sign-in is asked for');
    work.account.failNext(ended);
    const provider = { ...work.account.provider, discover: () => Promise.reject(ended) };
    const { row, lease } = await claim(work);
    await syncCalendar({ ...runtimeOf(work), providers: new Map([['caldav', provider]]) })(row, lease);
    await eventually('the other calendar is left alone', async () => (await stateOf(home)).dueIn === Infinity);
    for (const calendar of [work, home]) {
      expect((await stateOf(calendar)).fault).toBe('access-policy');
      expect(await freshness(calendar)).toMatchObject({ state: 'needs_reconnect', code: 'access-policy' });
    }
    await append(work, 'ConnectionReauthorized');
    for (const calendar of [work, home]) await eventually('it is due', async () => (await stateOf(calendar)).fault === null);
  });

  it('for one calendar alone means that it is no longer shared', async () => {
    const [work] = await two();
    await failing(work, 'access-revoked');
    expect(await stateOf(work)).toMatchObject({ fault: 'forbidden', dueIn: 5 * MINUTE });
    expect(await accountFacts(work)).toEqual([]);
  });

  it('while the server falls over is not taken for a dead grant', async () => {
    const [work] = await two();
    work.account.failNext(new ProviderFault('access-revoked', 'refused'));
    const runtime = runtimeOf(work);
    const away = { ...work.account.provider, discover: () => Promise.reject(new ProviderFault('unavailable', 'away')) };
    const { row, lease } = await claim(work);
    await syncCalendar({ ...runtime, providers: new Map([['caldav', away]]) })(row, lease);
    expect(await stateOf(work)).toMatchObject({ fault: 'unavailable', dueIn: 5 * MINUTE });
  });
});

describe('A calendar whose reading fails for an unforeseen reason', () => {
  it.each([
    [2, null, 'fresh', null],
    [3, null, 'failing', 'unforeseen'],
    [6, 'failed', 'failing', 'set-aside'],
    [0, 'crashed', 'failing', 'set-aside'],
  ])('%d times (%s) is shown as %s', async (unforeseen, aside, state, code) => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    await shown(calendar);
    await stores.database.query('update sync_state set unforeseen = $2, set_aside = $3 where calendar_id = $1', [
      calendar.calendarId,
      unforeseen,
      aside,
    ]);
    const told = await freshness(calendar);
    expect(told).toMatchObject({ state, code });
    expect(told.reason === null).toBe(code === null);
  });
});

describe('What cannot be read of a calendar', () => {
  it('is counted by kind and said in plain words, without anything of what it holds', async () => {
    const calendar = await adopted();
    calendar.account.put(
      lunch('a'),
      calendarObject('odd', { components: [component({ rules: ['FREQ=SOMETIMES'] }, { title: 'secret' })] }),
    );
    for (const name of ['x', 'y', 'z']) calendar.account.spoil(name);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a']);
    expect(await freshness(calendar)).toMatchObject({
      unreadable: 4,
      problems: [
        { code: 'object.bad-time', count: 3, reason: '3 events could not be read: a date or time makes no sense.' },
        { code: 'recurrence.bad-rule', count: 1, reason: '1 event could not be read: the rule of repetition is not understood.' },
      ],
      code: null,
      nextAttemptAt: null,
    });
  });
});

/** What metrics count of objects that could not be read, by code. */
const counted = async (): Promise<Readonly<Record<string, number>>> => {
  const metrics = prometheusMetrics();
  measureState(stores, metrics);
  const lines = [...(await metrics.page()).matchAll(/^unreadable_objects\{code="([^"]+)"\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, code = '', count]) => [code, Number(count)]));
};

describe('What operators are told of objects that cannot be read', () => {
  it('is what their owners are told, of every kind', async () => {
    const before = await counted();
    const calendar = await adopted();
    const repeating = (name: string, rule: string) =>
      calendarObject(name, { components: [component({ rules: [rule] }, { uid: name, title: name })] });
    calendar.account.put(
      { ...lunch('torn'), problems: ['component.bad-time'] },
      repeating('odd', 'FREQ=SOMETIMES'),
      repeating('often', 'FREQ=MINUTELY'),
    );
    calendar.account.spoil('x');
    await sync(calendar);
    expect((await shown(calendar)).length).toBeGreaterThan(100);
    const { problems } = await freshness(calendar);
    const codes = ['component.bad-time', 'object.bad-time', 'recurrence.bad-rule', 'recurrence.shortened'];
    expect(problems.map(({ code }) => code).toSorted()).toEqual(codes);
    const after = await counted();
    expect(codes.map((code) => [code, (after[code] ?? 0) - (before[code] ?? 0)])).toEqual(codes.map((code) => [code, 1]));
  });
});

describe('An object of which a part cannot be read', () => {
  it('is shown without that part, and counted until it is mended', async () => {
    const calendar = await adopted();
    const torn = { ...lunch('torn'), problems: ['component.bad-time'] };
    calendar.account.put(lunch('a', 2), torn);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['torn', 'a']);
    expect((await chunks(calendar)).flatMap(({ kept }) => kept)).toEqual([]);
    const faults = () =>
      stores.database.query('select fault, hash is not null as read from remote_object where calendar_id = $1 and fault is not null', [
        calendar.calendarId,
      ]);
    expect(await faults()).toEqual([{ fault: 'component.bad-time', read: true }]);
    calendar.account.put(torn);
    await sync(calendar);
    expect(await faults()).toHaveLength(1);
    calendar.account.put(lunch('torn'));
    await sync(calendar);
    expect(await faults()).toEqual([]);
    expect(objectsUnread('component.bad-time', 1)).toMatch(/^1 event could not be read whole: /);
  });
});

describe('A whole reading', () => {
  const ask = ({ calendarId, userId }: Adopted) =>
    Promise.all([
      stores.database.query(`update sync_state set full_requested = true, wake = true where calendar_id = $1`, [calendarId]),
      stores.database.query(
        `insert into sync_run (sync_id, calendar_id, user_id, requested_at, full_read, state) values ($1, $2, $3, now(), true, 'queued')`,
        [randomUUID(), calendarId, userId],
      ),
    ]);

  it('that is asked for while another one runs is made once more', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    await ask(calendar);
    calendar.account.beforeNextPage(async () => {
      await ask(calendar);
    });
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ full_requested: true });
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ full_requested: false });
    expect(calendar.account.scans()).toEqual([null, null, null]);
    const runs = await stores.database.query('select state from sync_run where calendar_id = $1', [calendar.calendarId]);
    expect(runs).toEqual([{ state: 'done' }, { state: 'done' }]);
  });
});

describe('A clock that jumps', () => {
  it('loses and repeats nothing, forwards or backwards', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    for (const jump of [40 * 24 * 60 * MINUTE, -41 * 24 * 60 * MINUTE]) {
      passTime(jump);
      await sync(calendar);
      expect(await stateOf(calendar)).toMatchObject({ fault: null, dueIn: 90_000 });
    }
    expect(await shown(calendar)).toEqual(['a']);
  });
});
