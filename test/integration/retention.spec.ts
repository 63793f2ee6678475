import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { channelCleanUp } from '../../src/watch/channels.cleanup.js';
import { calendarCleanUps } from '../../src/sync/feeds.cleanup.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { attemptCleanUp } from '../../src/connection/attempts.cleanup.js';
import { vaultCleanUps } from '../../src/connection/vault.cleanup.js';
import { logCleanUps } from '../../src/infra/eventstore/scavenge.cleanup.js';
import { requestCleanUps } from '../../src/infra/http/requests.cleanup.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { runCleanUps } from '../../src/infra/postgres/clean-up.postgres.js';
import { budgetCleanUp } from '../../src/infra/postgres/request-budget.postgres.js';
import { brokerCleanUps } from '../../src/embedded/broker/broker.cleanup.js';
import { inboxCleanUp } from '../../src/infra/postgres/inbox.postgres.js';
import { directoryCleanUps } from '../../src/directory/directory.cleanup.js';
import { type CleanUp } from '../../src/kernel/clean-up.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { type Database } from '../../src/kernel/sql.js';
import { KeyDestroyed } from '../../src/kernel/vault.js';
import { occurrenceCleanUps } from '../../src/merged-events/occurrences.cleanup.js';
import { NOW } from '../support/builders.js';
import { testEndings } from '../support/opened.js';
import { eventually, metadata, SILENT } from '../support/store.js';
import {
  type Adopted,
  adopted,
  changedIn,
  chunks,
  dyingAt,
  factTypes,
  keysOfVault,
  lunch,
  merged,
  passTime,
  replay,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const DAY = 86_400_000;

const UNHURRIED: Lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };

const tasks = (database: Database = stores.database): readonly CleanUp[] => [
  ...occurrenceCleanUps(database),
  ...calendarCleanUps({ database, store: stores.store, entropy: { uuid: () => randomUUID(), fraction: () => 0.5 } }),
  ...vaultCleanUps({ database, store: stores.store, vault: keysOfVault() }),
  attemptCleanUp(database),
  channelCleanUp(database),
  ...directoryCleanUps(database),
  ...brokerCleanUps(database),
  inboxCleanUp(database),
  ...requestCleanUps(database),
  budgetCleanUp(database),
  ...logCleanUps({ database, operations: stores.operations, clock: { now: () => NOW }, log: SILENT }),
];

/** Runs one clean-up so many days after the tests' present. */
const cleanUp = async (name: string, days: number, database?: Database): Promise<number> => {
  const task = tasks(database).find((each) => each.name === name);
  if (task === undefined) throw new Error(`there is no clean-up called ${name}`);
  return task.remove(NOW + days * DAY, UNHURRIED);
};

const count = async (table: string, { calendarId }: Adopted): Promise<number> => {
  const [row] = await stores.database.query<{ count: string }>(`select count(*) from ${table} where calendar_id = $1`, [calendarId]);
  return Number(row?.count);
};

const rowsIn = async (table: string, { calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ line: string }>(
    `select t::text as line from ${table} t where calendar_id = $1 order by line`,
    [calendarId],
  );
  return rows.map(({ line }) => line);
};

describe('An occurrence', () => {
  it('is kept for 30 days after it ended, and then removed with its contents', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('long ago', -20), lunch('tomorrow'));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['long ago', 'tomorrow']);
    await cleanUp('occurrences', 9);
    expect(await count('user_calendar_events', calendar)).toBe(2);
    await cleanUp('occurrences', 11);
    await cleanUp('contents', 11);
    expect(await shown(calendar)).toEqual(['tomorrow']);
    expect(await count('event_contents', calendar)).toBe(1);
  });

  it('is the same after a replay from the first event and a clean-up on the same day, byte for byte', async () => {
    const calendar = await adopted();
    calendar.account.put(...Array.from({ length: 12 }, (_, index) => lunch(`event ${index}`, index * 5 - 28)));
    await sync(calendar);
    await shown(calendar);
    const tidied = async () => {
      await cleanUp('occurrences', 15);
      await cleanUp('contents', 15);
      return Promise.all(['user_calendar_events', 'event_contents', 'changes'].map((table) => rowsIn(table, calendar)));
    };
    await cleanUp('occurrences', 5);
    expect(await count('user_calendar_events', calendar)).toBe(11);
    passTime(6 * DAY);
    calendar.account.put(lunch('event 0', -28, 'renamed'), lunch('event 4', -8, 'renamed'));
    await sync(calendar);
    passTime(10 * DAY);
    await sync(calendar);
    await shown(calendar);
    const before = await tidied();
    expect(before.map((rows) => rows.length)).toEqual([9, 9, 2]);
    await replay();
    expect(await tidied()).toEqual(before);
  });
});

describe('A calendar that could not be read for 30 days', () => {
  const neglected = async (): Promise<Adopted> => {
    // Those of the tests before.
    await cleanUp('feeds', 31);
    const calendar = await adopted();
    calendar.account.put(lunch('lunch', 40), lunch('dinner', 41));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['lunch', 'dinner']);
    return calendar;
  };

  it('is emptied by a fact, in the read models and in the log, and says that nothing is known', async () => {
    const calendar = await neglected();
    expect(await cleanUp('feeds', 29)).toBe(0);
    expect(await cleanUp('feeds', 31)).toBe(1);
    expect(await shown(calendar)).toEqual([]);
    expect((await factTypes(calendar)).at(-1)).toBe('FeedExpired');
    expect(await chunks(calendar)).toEqual([]);
    const told = await stores.database.query<{ change: string }>('select change from changes where calendar_id = $1', [
      calendar.calendarId,
    ]);
    expect(told).toEqual([{ change: 'calendar-removed' }]);
    for (const table of ['user_calendar_events', 'event_contents', 'remote_object']) expect(await count(table, calendar)).toBe(0);
    expect(await stateOf(calendar)).toMatchObject({ cursor: null, window_start: null, last_success_at: null });
    expect(await cleanUp('feeds', 31)).toBe(0);
  });

  it('begins a new generation when it is read again, in which everything is new', async () => {
    const calendar = await neglected();
    await cleanUp('feeds', 31);
    passTime(32 * DAY);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['lunch', 'dinner']);
    expect(await stateOf(calendar)).toMatchObject({ generation: 2, fault: null });
    expect(changedIn(await chunks(calendar))).toEqual([true, true]);
    await replay();
    expect(await shown(calendar)).toEqual(['lunch', 'dinner']);
  });

  it('is not touched while it is being read', async () => {
    const calendar = await neglected();
    await stores.database.query(`update sync_state set claimed_until = clock_timestamp() + interval '1 hour' where calendar_id = $1`, [
      calendar.calendarId,
    ]);
    expect(await cleanUp('feeds', 31)).toBe(0);
    expect(await shown(calendar)).toEqual(['lunch', 'dinner']);
    await leaseEnds(calendar);
    expect(await cleanUp('feeds', 31)).toBe(1);
  });

  it.each(['delete from remote_object', 'retained_from = $3'])(
    'expires once and wholly, also when the clean-up dies before it can `%s`',
    async (words) => {
      const calendar = await neglected();
      await expect(cleanUp('feeds', 31, dyingAt(words))).rejects.toThrow('died');
      await leaseEnds(calendar);
      expect(await cleanUp('feeds', 32)).toBe(0);
      expect((await factTypes(calendar)).filter((type) => type === 'FeedExpired')).toHaveLength(1);
      expect(await shown(calendar)).toEqual([]);
      expect([await chunks(calendar), await count('remote_object', calendar)]).toEqual([[], 0]);
      expect(await stateOf(calendar)).toMatchObject({ cursor: null });
    },
  );
});

/** As time does, by the database's clock. */
const leaseEnds = async ({ calendarId }: Adopted): Promise<void> => {
  await stores.database.query('update sync_state set claimed_until = clock_timestamp() where calendar_id = $1', [calendarId]);
};

describe('A secret that was kept before its connection came to be', () => {
  const inAnHour = (Date.now() - NOW) / DAY + 1;

  it('is removed after an hour when the log knows of no connection, and made active when it does', async () => {
    const calendar = await adopted();
    const [orphan, late] = [randomUUID(), randomUUID()];
    for (const id of [orphan, late]) await keysOfVault().keep(calendar.userId, id, { password: 'secret' });
    const linked = { type: 'CalendarConnected', userId: calendar.userId, provider: 'caldav', access: 'read' } as const;
    const at = new Date(NOW).toISOString();
    const fact = { ...linked, consent: { textVersion: '2026-01', givenAt: at }, account: 'a', sealed: 'a', at };
    await stores.store.append(`connection-${late}`, -1n, [fact], connectionCodec, metadata());
    expect(await cleanUp('pending-secrets', 0 - 1)).toBe(0);
    expect(await cleanUp('pending-secrets', inAnHour)).toBe(1);
    expect(await keysOfVault().secret(calendar.userId, late)).toEqual({ password: 'secret' });
    await expect(keysOfVault().secret(calendar.userId, orphan)).rejects.toBeInstanceOf(KeyDestroyed);
    expect(await keysOfVault().pendingSince(new Date(NOW + 365 * DAY).toISOString())).toEqual([]);
  });
});

const HOUR = 3_600_000;
const at = (offset: number): string => new Date(NOW + offset).toISOString();

describe('What requests leave behind', () => {
  const left = async (table: string, who: string): Promise<number> =>
    (await stores.database.query(`select 1 from ${table} where user_id = $1`, [who])).length;

  it.each([
    {
      what: 'a keyed request',
      task: 'idempotency-keys',
      life: DAY,
      table: 'idempotency',
      columns: '(user_id, key, fingerprint, holder, held_until, created_at)',
      values: `$1, $2, 'a', gen_random_uuid(), $3, $3`,
    },
    {
      what: 'a ticket of a stream',
      task: 'stream-tickets',
      life: 0,
      table: 'stream_ticket',
      columns: '(user_id, hash, roles, teams, until, expires_at)',
      values: `$1, $2, '{}', '{}', $3, $3`,
    },
    {
      what: 'a manual sync',
      task: 'sync-runs',
      life: DAY,
      table: 'sync_run',
      columns: '(user_id, sync_id, calendar_id, requested_at, state)',
      values: `$1, $2::uuid, gen_random_uuid(), $3, 'done'`,
    },
    {
      what: 'a membership of a team',
      task: 'team-members',
      life: 30 * DAY,
      table: 'team_members',
      columns: '(user_id, team, seen_at)',
      values: '$1, $2, $3',
    },
    {
      what: 'a channel',
      task: 'watch-channels',
      life: HOUR,
      table: 'watch_channel',
      columns: '(user_id, channel_id, provider, connection_id, calendar_id, token_hash, state, opened_at, expires_at, renew_at)',
      values: `$1, $2, 'google', gen_random_uuid(), gen_random_uuid(), '', 'closing', $3, $3, $3`,
    },
    {
      what: 'a change',
      task: 'changes',
      life: 31 * DAY,
      table: 'changes',
      columns: '(user_id, position, part, at, change)',
      values: `$1, ('x' || substr($2, 1, 8))::bit(32)::bigint, 1, $3, 'added'`,
    },
  ])('$what goes when its time has passed, not before', async ({ task, life, table, columns, values }) => {
    const who = randomUUID();
    await stores.database.query(`insert into ${table} ${columns} values (${values})`, [who, randomUUID(), at(0)]);
    await cleanUp(task, (life - HOUR) / DAY);
    expect(await left(table, who)).toBe(1);
    await cleanUp(task, (life + HOUR) / DAY);
    expect(await left(table, who)).toBe(0);
  });
});

describe('Every table', () => {
  /** By which clean-up its rows go. */
  const cleaned: Readonly<Record<string, string>> = {
    user_calendar_events: 'occurrences',
    event_contents: 'contents',
    event_series: 'series',
    changes: 'changes',
    remote_object: 'feeds',
    sync_run: 'sync-runs',
    vault: 'pending-secrets',
    team_members: 'team-members',
    broker_message: 'broker-messages',
    inbox: 'handled-messages',
    directory_members: 'directory-members',
    directory_resources: 'directory-resources',
    idempotency: 'idempotency-keys',
    stream_ticket: 'stream-tickets',
    log_chunk: 'hidden-events',
    connection_attempt: 'connection-attempts',
    watch_channel: 'watch-channels',
    request_budget: 'request-budgets',
  };
  /** A row for each person, account (revoked ones too) or calendar, or of the program itself: they do not grow by being used. */
  const steady = [
    ...['connections', 'calendars', 'preferences', 'event_calendars', 'event_people', 'sync_state', 'connection_state', 'placement'],
    ...[
      'broker_offset',
      'broker_partition',
      'calendar_tombstones',
      'checkpoint',
      'clean_up',
      'event_tombstones',
      'event_zone_rules',
      'grant_renewal',
      'known_log',
      'log_freed',
      'log_scavenge',
      'master_key',
      'migrations',
      'schedule_tombstones',
      'set_aside',
      'telling',
      'topic_position',
      'watch_state',
    ],
  ];

  it('either grows only with people and their calendars, or has its clean-up', async () => {
    const tables = await stores.database.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual([...Object.keys(cleaned), ...steady].sort());
    const names = tasks().map(({ name }) => name);
    expect(Object.values(cleaned).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('Clean-ups', () => {
  const atEnd = testEndings();

  it('run when they are due, are counted by what they removed, and are due again', async () => {
    const metrics = prometheusMetrics();
    const stopping = new AbortController();
    const task: CleanUp = { name: 'leftovers', every: DAY, remove: () => Promise.resolve(7) };
    const runtime = {
      database: stores.database,
      clock: { now: () => NOW },
      log: stores.log,
      entropy: { fraction: () => 0.5 },
      version: 'one',
    };
    const ended = runCleanUps(runtime, [task], metrics, stopping.signal);
    const stop = () => {
      stopping.abort();
      return ended;
    };
    atEnd(stop);
    const due = await eventually('it has run', async () => {
      const [row] = await stores.database.query<{ due_at: Date; last_run_at: Date | null }>(
        `select * from clean_up where name = 'leftovers'`,
      );
      return row?.last_run_at === null ? null : row?.due_at;
    });
    expect(due.getTime()).toBe(NOW + DAY);
    await eventually('it is counted', async () => (await metrics.page()).includes('retention_removed_total{task="leftovers"} 7'));
    await stop();
    expect(merged.name).toBe('user_calendar_events');
  });
});
