import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { connection, type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { faultReporter, keyGoneReporter, recoveryReporter, tendConnection } from '../../src/connection/connection.worker.js';
import { handle } from '../../src/kernel/commands.js';
import { HOUR, MINUTE } from '../../src/kernel/clock.js';
import { type Lease, Superseded } from '../../src/kernel/due-work.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { type SyncRow } from '../../src/sync/sync.state.js';
import { tendWatch } from '../../src/watch/watch.worker.js';
import { ANN } from '../support/google-sandbox.js';
import { googleEvent } from '../support/google-server.js';
import { suiteResources } from '../support/opened.js';
import { eventually, metadata, SILENT } from '../support/store.js';
import { unpaced } from '../support/synced-calendar.js';
import {
  channelRows,
  claimWatch,
  heard,
  startWatching,
  tend,
  type WatchedCalendar,
  type Watching,
  watchStanding,
} from '../support/watched-calendar.js';

const opened = suiteResources();
let watching: Watching;
beforeAll(async () => {
  watching = await opened(startWatching());
});
beforeEach(() => {
  watching.sandbox.switchOff();
});

const at = () => new Date(watching.clock.now()).toISOString();
const LEASE: Lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };

/** The requests that the simulator answered since, by the last part of their paths. */
const asked = (before: number): readonly string[] =>
  watching.sandbox
    .requests()
    .slice(before)
    .map(({ path }) => path.split('/').at(-1) ?? '')
    .filter((part) => ['stop', 'revoke', 'token'].includes(part));

const revoke = async ({ connectionId, userId }: WatchedCalendar): Promise<ConnectionRow> => {
  const order = { id: connectionId, command: { type: 'Revoke', owner: userId, at: at() } as const, metadata: metadata(), ifMatch: null };
  await handle(watching.stores.store, connection, connectionCodec, order);
  const due = `select * from connection_state where connection_id = $1 and task = 'revoke'`;
  return eventually('it is due', async () => (await watching.stores.database.query<ConnectionRow>(due, [connectionId]))[0]);
};

const windUp = async (row: ConnectionRow): Promise<void> => {
  await tendConnection(watching.runtime({ vault: watching.keys }) as never)(row, LEASE);
};

const isLive = (id: string | undefined): boolean => watching.sandbox.channels().some((channel) => channel.id === id);

describe('sync-rule 12: a revoked connection', () => {
  it('has its channels stopped before its grant is given back, and no row of them is left', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    const [channel] = await channelRows(watching, calendar);
    expect(isLive(channel?.channel_id)).toBe(true);
    const before = watching.sandbox.requests().length;
    await windUp(await revoke(calendar));
    expect(asked(before)).toEqual(['stop', 'revoke']);
    expect(isLive(channel?.channel_id)).toBe(false);
    expect(await channelRows(watching, calendar)).toEqual([]);
    expect(await watching.stores.database.query('select 1 from watch_state where calendar_id = $1', [calendar.calendarId])).toEqual([]);
  });

  it('has them stopped with a renewed token when the old one has expired', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    const [channel] = await channelRows(watching, calendar);
    watching.clock.move(2 * HOUR);
    const row = await revoke(calendar);
    const before = watching.sandbox.requests().length;
    await windUp(row);
    expect(asked(before).slice(0, 2)).toEqual(['token', 'stop']);
    expect(isLive(channel?.channel_id)).toBe(false);
  });

  it('is not given back while its channels can still be stopped later', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    const row = await revoke(calendar);
    watching.sandbox.switchOn({ fault: 'broken' });
    const before = watching.sandbox.requests().length;
    await windUp(row);
    expect(asked(before)).not.toContain('revoke');
    expect(await channelRows(watching, calendar)).toHaveLength(1);
    watching.sandbox.switchOff();
    await windUp({ ...row, failures: 1 });
    expect(asked(before).slice(-2)).toEqual(['stop', 'revoke']);
  });

  it('is given back after three tries to stop them', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    const row = await revoke(calendar);
    const purged = { ...row, failures: 0 };
    watching.sandbox.switchOn({ fault: 'broken' });
    await windUp(purged);
    const before = watching.sandbox.requests().length;
    await windUp({ ...row, failures: 3 });
    expect(asked(before)).toEqual(['revoke']);
    expect(await channelRows(watching, calendar)).toEqual([]);
  });
});

describe('A connection that is revoked while a channel is being opened', () => {
  /** `lose`: ends the lease, as a worker's is ended that finds its row gone. */
  type Step = (lose: () => void) => Promise<void>;

  /** A look at a calendar during which something happens while Google is asked for a channel, or before its answer is heard. */
  const during = async (calendar: WatchedCalendar, steps: Partial<Record<'asked' | 'answered', Step>>) => {
    const { row, lease } = await claimWatch(watching, calendar);
    const { provider } = watching;
    const { push } = provider;
    if (push === null) throw new Error('Google pushes');
    const losing = new AbortController();
    const lose = (): void => {
      losing.abort(new Superseded());
    };
    const open: typeof push.open = async (grant, address, order, call) => {
      const permit = async (): Promise<void> => {
        await call.permit();
        await steps.asked?.(lose);
      };
      const answer = await push.open(grant, address, order, { ...call, permit });
      await steps.answered?.(lose);
      return answer;
    };
    const providers = new Map([['google', { ...provider, push: { ...push, open } }]]);
    await expect(tendWatch(watching.runtime({ providers }))(row, { ...lease, signal: losing.signal })).rejects.toBeInstanceOf(Superseded);
  };
  const rowsGone = ({ calendarId }: WatchedCalendar) =>
    eventually('its rows are gone', async () => {
      const left = await watching.stores.database.query('select 1 from watch_state where calendar_id = $1', [calendarId]);
      return left.length === 0;
    });
  const livingSince = (before: ReadonlySet<string>) => watching.sandbox.channels().filter(({ id }) => !before.has(id));
  const living = () => new Set(watching.sandbox.channels().map(({ id }) => id));

  it.each([
    ['while Google is asked', 'asked'],
    ['when Google has answered', 'answered'],
  ] as const)('has it stopped at once when its rows are gone %s', async (_, step) => {
    const calendar = await watching.adopted();
    const [before, requests] = [living(), watching.sandbox.requests().length];
    await during(calendar, {
      [step]: async (lose: () => void) => {
        await revoke(calendar);
        await rowsGone(calendar);
        lose();
      },
    });
    expect(asked(requests)).toEqual(['stop']);
    expect(livingSince(before)).toEqual([]);
    expect(await channelRows(watching, calendar)).toEqual([]);
  });

  it('is not given back before the answer, and leaves no channel', async () => {
    const calendar = await watching.adopted();
    const [before, requests] = [living(), watching.sandbox.requests().length];
    await during(calendar, {
      answered: async () => {
        const row = await revoke(calendar);
        await rowsGone(calendar);
        await windUp(row);
        expect(asked(requests)).toEqual([]);
      },
    });
    expect(livingSince(before)).toEqual([]);
    const [row] = await watching.stores.database.query<ConnectionRow>(
      `select * from connection_state where connection_id = $1 and task = 'revoke'`,
      [calendar.connectionId],
    );
    if (row === undefined) throw new Error('it is wound up already');
    await windUp(row);
    expect(asked(requests)).toEqual(['stop', 'revoke']);
    expect(await channelRows(watching, calendar)).toEqual([]);
  });

  it('is wound up all the same when the answer comes too late, and the look ends in peace', async () => {
    const calendar = await watching.adopted();
    await during(calendar, {
      answered: async () => {
        const row = await revoke(calendar);
        await rowsGone(calendar);
        await windUp(row);
        await windUp({ ...row, failures: 3 });
      },
    });
    expect(await channelRows(watching, calendar)).toEqual([]);
  });

  it('is given back at once when its channel got no name within a minute', async () => {
    const calendar = await watching.adopted();
    watching.sandbox.switchOn({ fault: 'cut', times: 1 });
    await tend(watching, calendar);
    expect(await channelRows(watching, calendar)).toMatchObject([{ state: 'closing', remote: null }]);
    watching.clock.move(MINUTE);
    const requests = watching.sandbox.requests().length;
    await windUp(await revoke(calendar));
    expect(asked(requests)).toEqual(['revoke']);
    expect(await channelRows(watching, calendar)).toEqual([]);
  });
});

/** Reads the calendar as a worker does, because its interval is over. */
const sweep = async (calendar: WatchedCalendar): Promise<void> => {
  const { stores, keys } = watching;
  const [row] = await stores.database.query<SyncRow & { epoch: string }>(
    'update sync_state set epoch = epoch + 1, wake = false where calendar_id = $1 returning *',
    [calendar.calendarId],
  );
  if (row === undefined) throw new Error('there is no such row');
  const runtime = watching.runtime({ vault: keys });
  const connections = { ...runtime, vault: keys };
  const reporting = {
    reportFault: faultReporter(connections),
    reportRecovery: recoveryReporter(connections),
    reportKeyGone: keyGoneReporter(connections),
  };
  const syncing = { ...connections, ...reporting, grantOf: runtime.grantOf as never, log: SILENT, pace: unpaced, mostListed: 100_000 };
  await syncCalendar(syncing)(row, { ...LEASE, epoch: BigInt(row.epoch) });
};

const change = (): void => {
  watching.sandbox.calendars.putEvent(ANN, { ...googleEvent(randomUUID().replaceAll('-', '')) });
};

const promised = async ({ calendarId }: WatchedCalendar): Promise<number> => {
  const [row] = await watching.stores.database.query<{ fresh_until: Date; last_success_at: Date }>(
    'select fresh_until, last_success_at from sync_state where calendar_id = $1',
    [calendarId],
  );
  return (row?.fresh_until.getTime() ?? 0) - (row?.last_success_at.getTime() ?? 0);
};

describe('sync-rule 11: changes that no notification tells of', () => {
  it('are found by sweeps, and after two in a row the calendar is polled until it is heard of again', async () => {
    const calendar = await watching.adopted();
    await sweep(calendar);
    await tend(watching, calendar);
    await heard(watching, calendar);
    await tend(watching, calendar);
    await sweep(calendar);
    expect(await promised(calendar)).toBe(1.5 * HOUR);
    for (const expected of ['pushed', 'polled']) {
      watching.clock.move(HOUR);
      change();
      await sweep(calendar);
      expect((await watchStanding(watching, calendar)).dueIn).toBe(2 * MINUTE);
      watching.clock.move(2 * MINUTE);
      await tend(watching, calendar);
      expect((await watchStanding(watching, calendar)).mode).toBe(expected);
    }
    expect(await watchStanding(watching, calendar)).toMatchObject({ reason: 'push.unhealthy' });
    await sweep(calendar);
    expect(await promised(calendar)).toBe(15 * MINUTE);
    await heard(watching, calendar);
    await tend(watching, calendar);
    expect(await watchStanding(watching, calendar)).toMatchObject({ mode: 'pushed', reason: null });
  });

  it('say nothing of push where the notification comes within two minutes, or the reading found nothing', async () => {
    const calendar = await watching.adopted();
    await sweep(calendar);
    await tend(watching, calendar);
    await heard(watching, calendar);
    await sweep(calendar);
    for (let time = 0; time < 3; time += 1) {
      watching.clock.move(HOUR);
      change();
      await sweep(calendar);
      watching.clock.move(MINUTE);
      await heard(watching, calendar);
      watching.clock.move(MINUTE);
      await tend(watching, calendar);
      expect((await watchStanding(watching, calendar)).mode).toBe('pushed');
      await sweep(calendar);
    }
  });
});

describe('A calendar whose access its owner took back', () => {
  it('is left alone until it is connected again, and then has another channel', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    await heard(watching, calendar);
    const [first] = await channelRows(watching, calendar);
    const { database } = watching.stores;
    await database.query(`update sync_state set fault = 'access-withdrawn', due_at = 'infinity' where calendar_id = $1`, [
      calendar.calendarId,
    ]);
    const before = watching.sandbox.requests().length;
    await tend(watching, calendar);
    expect(watching.sandbox.requests().slice(before)).toEqual([]);
    expect(await database.query(`select 1 from sync_state where calendar_id = $1 and due_at < 'infinity'`, [calendar.calendarId])).toEqual(
      [],
    );
    const again: ConnectionEvent = { type: 'ConnectionReauthorized', userId: calendar.userId, account: null, at: at() };
    const { position } = await watching.stores.store.append(
      `connection-${calendar.connectionId}`,
      0n,
      [again],
      connectionCodec,
      metadata(),
    );
    await watching.reached(position);
    await tend(watching, calendar);
    const rows = await channelRows(watching, calendar);
    expect(rows.map(({ state }) => state)).toEqual(['old', 'live']);
    expect(rows[0]?.channel_id).toBe(first?.channel_id);
  });
});
