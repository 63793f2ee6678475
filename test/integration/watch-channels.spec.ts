import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { Superseded } from '../../src/kernel/due-work.js';
import { DAY, HOUR, MINUTE } from '../../src/kernel/clock.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { type Push, Unwatchable } from '../../src/provider/push.js';
import { lookAgain } from '../../src/watch/watch.sql.js';
import { tendWatch } from '../../src/watch/watch.worker.js';
import { HOLIDAYS } from '../support/google-sandbox.js';
import { suiteResources } from '../support/opened.js';
import { eventually } from '../support/store.js';
import {
  channelRows,
  claimWatch,
  dying,
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
const statesOf = async (calendar: WatchedCalendar) => (await channelRows(watching, calendar)).map(({ state }) => state);
const standing = (calendar: WatchedCalendar) => watchStanding(watching, calendar);
/** Channels of a calendar that the simulator has. */
const living = async (calendar: WatchedCalendar) => {
  const mine = new Set((await channelRows(watching, calendar)).map(({ channel_id }) => channel_id));
  return watching.sandbox.channels().filter(({ id }) => mine.has(id));
};
const factsOf = async ({ calendarId }: WatchedCalendar) =>
  (await watching.stores.store.load(`calendar-${calendarId}`, calendarCodec)).slice(1).map((fact) => {
    const { at: _, ...rest } = fact as { at: string; type: string };
    return rest;
  });
/** One calendar with a live channel that was heard of. */
const watched = async (): Promise<WatchedCalendar> => {
  const calendar = await watching.adopted();
  await tend(watching, calendar);
  await heard(watching, calendar);
  await tend(watching, calendar);
  return calendar;
};

describe('A calendar that is adopted', () => {
  it('is due to be watched at once, and pushed as soon as its channel is open', async () => {
    const calendar = await watching.adopted();
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: null });
    expect((await standing(calendar)).dueIn).toBeLessThanOrEqual(0);
    await tend(watching, calendar);
    expect(await standing(calendar)).toEqual({ mode: 'pushed', reason: null, failures: 0, dueIn: 2 * MINUTE });
    const [row] = await channelRows(watching, calendar);
    const [channel] = await living(calendar);
    expect(row).toMatchObject({ state: 'live', remote: channel?.resourceId, expires_at: new Date(channel?.expiration ?? 0) });
    expect(await factsOf(calendar)).toEqual([{ type: 'WatchOpened' }]);
  });

  it('is read once more, because it may have changed between its reading and the channel', async () => {
    const calendar = await watching.adopted();
    const { database } = watching.stores;
    const later = `update sync_state set due_at = now() + interval '1 day', lane = 'sweep', wake = false where calendar_id = $1`;
    await database.query(later, [calendar.calendarId]);
    await tend(watching, calendar);
    const read = 'select lane, wake, due_at <= $2 as due from sync_state where calendar_id = $1';
    expect(await database.query(read, [calendar.calendarId, at()])).toEqual([{ lane: 'hot', wake: true, due: true }]);
  });

  it('has a token that only its service knows', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    const [channel] = await living(calendar);
    const [stored] = await watching.stores.database.query<{ token_hash: Buffer }>(
      'select token_hash from watch_channel where calendar_id = $1',
      [calendar.calendarId],
    );
    expect(stored?.token_hash).toEqual(
      createHash('sha256')
        .update(channel?.token ?? '')
        .digest(),
    );
  });

  it('is polled, and says so, where its service cannot reach this one', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar, { webhookOf: () => null });
    expect(await standing(calendar)).toEqual({ mode: 'polled', reason: 'push.not-public', failures: 0, dueIn: Infinity });
    expect(await channelRows(watching, calendar)).toEqual([]);
    expect(await factsOf(calendar)).toEqual([]);
  });

  it('sync-rule 28: is healthy when it cannot be watched, and asked for again after a week', async () => {
    const calendar = await watching.adopted(HOLIDAYS);
    await tend(watching, calendar);
    expect(await standing(calendar)).toEqual({ mode: 'unwatchable', reason: 'push.unwatchable', failures: 0, dueIn: 6.5 * DAY });
    expect(await channelRows(watching, calendar)).toEqual([]);
  });
});

describe('sync-rule 10: a channel', () => {
  it.each([1, 2, 3, 4, 5])(
    'is renewed also when its time comes while its calendar is looked at, before clock reading %d',
    async (reading) => {
      const calendar = await watched();
      const { dueIn } = await standing(calendar);
      let readings = 0;
      const now = (): number => {
        readings += 1;
        if (readings === reading) watching.clock.move(dueIn);
        return watching.clock.now();
      };
      await tend(watching, calendar, { clock: { now } });
      if ((await standing(calendar)).dueIn <= 0) await tend(watching, calendar);
      expect(await statesOf(calendar)).toEqual(['old', 'live']);
    },
  );

  it('is renewed before 80 % of its life are over, with an overlap, and the calendar stays pushed', async () => {
    const calendar = await watched();
    const [first] = await channelRows(watching, calendar);
    const life = (first?.expires_at.getTime() ?? 0) - watching.clock.now();
    const { dueIn } = await standing(calendar);
    expect(dueIn).toBeLessThanOrEqual(0.8 * life);
    watching.clock.move(dueIn);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['old', 'live']);
    expect(await living(calendar)).toHaveLength(2);
    expect((await standing(calendar)).mode).toBe('pushed');
    watching.clock.move(2 * MINUTE);
    await heard(watching, calendar);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(watching.sandbox.channels().map(({ id }) => id)).not.toContain(first?.channel_id);
    expect(await factsOf(calendar)).toEqual([{ type: 'WatchOpened' }]);
  });

  it('that could not be renewed before its end leaves the calendar polled until there is another', async () => {
    const calendar = await watched();
    watching.sandbox.switchOn({ fault: 'broken' });
    watching.clock.move((await standing(calendar)).dueIn);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', failures: 1 });
    watching.clock.move(2 * DAY);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy', failures: 2 });
    watching.sandbox.switchOff();
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toContain('live');
    await heard(watching, calendar);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null, failures: 0 });
    expect(await factsOf(calendar)).toEqual([
      { type: 'WatchOpened' },
      { type: 'WatchClosed', reason: 'push.unhealthy' },
      { type: 'WatchOpened' },
    ]);
  });
});

describe('sync-rule 33: a calendar', () => {
  it('has one live channel, however often it is looked at, also after a restart', async () => {
    const calendar = await watched();
    for (let time = 0; time < 3; time += 1) await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(await living(calendar)).toHaveLength(1);
  });

  it('cannot have two live channels', async () => {
    const calendar = await watched();
    const copy = `insert into watch_channel select 'another', provider, user_id, connection_id, calendar_id, token_hash, remote, state, opened_at,
      expires_at, renew_at, seen, heard_at from watch_channel where calendar_id = $1`;
    await expect(watching.stores.database.query(copy, [calendar.calendarId])).rejects.toThrow('watch_channel_live');
  });
});

describe('A process that dies', () => {
  it('between the row and the call leaves a row, which the next look closes before it opens another channel', async () => {
    const calendar = await watching.adopted();
    const { provider } = watching;
    const push = provider.push === null ? null : { ...provider.push, open: () => Promise.reject(new Error('the process died here')) };
    const providers = new Map([['google', { ...provider, push }]]);
    await expect(tend(watching, calendar, { providers })).rejects.toThrow('the process died here');
    expect(await statesOf(calendar)).toEqual(['opening']);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['closing', 'live']);
    expect(await living(calendar)).toHaveLength(1);
    watching.clock.move(8 * DAY);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
  });

  it('between the answer and the row leaves a channel, which is stopped when its notification has named it', async () => {
    const calendar = await watching.adopted();
    const database = dying(watching.stores.database, `state = 'live', remote`);
    await expect(tend(watching, calendar, { database })).rejects.toThrow('the process died here');
    expect(await statesOf(calendar)).toEqual(['opening']);
    const [orphan] = await living(calendar);
    await tend(watching, calendar);
    expect(await living(calendar)).toHaveLength(2);
    const named = `update watch_channel set remote = $2 where channel_id = $1 and state = 'closing'`;
    await watching.stores.database.query(named, [orphan?.id, orphan?.resourceId]);
    watching.clock.move((await standing(calendar)).dueIn);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(watching.sandbox.channels().map(({ id }) => id)).not.toContain(orphan?.id);
  });

  it('before the fact is written has it written by the next look', async () => {
    const calendar = await watching.adopted();
    const store = { ...watching.stores.store, append: () => Promise.reject(new Error('the process died here')) };
    await expect(tend(watching, calendar, { store })).rejects.toThrow('the process died here');
    expect(await factsOf(calendar)).toEqual([]);
    await tend(watching, calendar);
    expect(await factsOf(calendar)).toEqual([{ type: 'WatchOpened' }]);
    expect(await living(calendar)).toHaveLength(1);
  });
});

describe('A worker whose claim was taken over while it waited for the answer', () => {
  it('leaves the channel to be stopped by name, and changes nothing else', async () => {
    const calendar = await watching.adopted();
    const { row, lease } = await claimWatch(watching, calendar);
    const { push } = watching.provider;
    if (push === null) throw new Error('Google pushes');
    const open: typeof push.open = async (...call) => {
      const answer = await push.open(...call);
      await claimWatch(watching, calendar);
      return answer;
    };
    const providers = new Map([['google', { ...watching.provider, push: { ...push, open } }]]);
    await expect(tendWatch(watching.runtime({ providers }))(row, lease)).rejects.toBeInstanceOf(Superseded);
    expect(await channelRows(watching, calendar)).toMatchObject([{ state: 'closing', remote: expect.any(String) }]);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(await living(calendar)).toHaveLength(1);
  });
});

describe('An answer that is lost', () => {
  it('leaves a channel that may exist, and the calendar is polled until the next try', async () => {
    const calendar = await watching.adopted();
    watching.sandbox.switchOn({ fault: 'cut', times: 1 });
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['closing']);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy', failures: 1 });
  });

  it('is told apart from a refusal, after which there is no channel', async () => {
    const calendar = await watching.adopted();
    watching.sandbox.switchOn({ fault: 'rate-limited', retryAfter: 3_600 });
    await tend(watching, calendar);
    expect(await channelRows(watching, calendar)).toEqual([]);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy', dueIn: HOUR });
  });
});

describe('Push that is not healthy', () => {
  it('is not relied on when no notification says within two minutes that the channel is open', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    watching.clock.move(2 * MINUTE);
    const later = `update sync_state set due_at = $2 where calendar_id = $1`;
    await watching.stores.database.query(later, [calendar.calendarId, new Date(watching.clock.now() + HOUR).toISOString()]);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy' });
    const read = `select due_at <= $2::timestamptz + interval '5 minutes' as soon from sync_state where calendar_id = $1`;
    expect(await watching.stores.database.query(read, [calendar.calendarId, at()])).toEqual([{ soon: true }]);
    await heard(watching, calendar);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null });
  });
});

describe('Push that was silent for hours', () => {
  const silent = async (): Promise<WatchedCalendar> => {
    const calendar = await watching.adopted();
    await tend(watching, calendar);
    watching.clock.move(2 * MINUTE);
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', dueIn: 6 * HOUR - 2 * MINUTE });
    watching.clock.move(6 * HOUR);
    return calendar;
  };

  it('has another channel tried', async () => {
    const calendar = await silent();
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['old', 'live']);
    expect((await standing(calendar)).mode).toBe('polled');
  });

  it('keeps its channel when that is heard of first', async () => {
    const calendar = await silent();
    await heard(watching, calendar);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect((await standing(calendar)).mode).toBe('pushed');
  });
});

describe('A calendar whose service is not set up here any more', () => {
  it('is polled until the operator sets it up again', async () => {
    const calendar = await watched();
    await tend(watching, calendar, { providers: new Map() });
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.not-public' });
    await lookAgain(watching.stores.database, watching.clock, new Map([['google', watching.listener.url]]));
    expect((await standing(calendar)).dueIn).toBeLessThanOrEqual(0);
    await tend(watching, calendar);
    expect((await standing(calendar)).mode).toBe('pushed');
  });

  it('is looked at when its service can no longer reach this one', async () => {
    const calendar = await watched();
    await lookAgain(watching.stores.database, watching.clock, new Map());
    expect((await standing(calendar)).dueIn).toBeLessThanOrEqual(0);
    await tend(watching, calendar, { webhookOf: () => null });
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.not-public' });
    expect(await living(calendar)).toEqual([]);
  });
});

describe('A calendar that is hidden, or that its account may not read', () => {
  it('has no channel, and another when it is shown again', async () => {
    const calendar = await watched();
    await watching.happened(calendar, { type: 'VisibilitySet', visible: false, at: at() });
    expect((await standing(calendar)).dueIn).toBeLessThanOrEqual(0);
    await tend(watching, calendar);
    expect(await channelRows(watching, calendar)).toEqual([]);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.hidden', dueIn: Infinity });
    await watching.happened(calendar, { type: 'VisibilitySet', visible: true, at: at() });
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
    expect((await standing(calendar)).mode).toBe('pushed');
  });

  it('has no channel while it is gone, and another when it can be read again', async () => {
    const calendar = await watched();
    await watching.happened(calendar, { type: 'SyncFailed', fault: 'calendar-gone', at: at() });
    await tend(watching, calendar);
    expect(await channelRows(watching, calendar)).toEqual([]);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.refused' });
    await watching.happened(calendar, { type: 'SyncRecovered', at: at() });
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['live']);
  });
});

describe('A channel whose service does not stop it', () => {
  it('is stopped when the service answers again', async () => {
    const calendar = await watched();
    await watching.happened(calendar, { type: 'VisibilitySet', visible: false, at: at() });
    watching.sandbox.switchOn({ fault: 'broken' });
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['closing']);
    watching.sandbox.switchOff();
    watching.clock.move((await standing(calendar)).dueIn);
    await tend(watching, calendar);
    await eventually('it is stopped', async () => (await channelRows(watching, calendar)).length === 0);
  });
});

describe('A service that lets its channels live longer', () => {
  /** The simulator's Google, as if it could, and as one whose opening shows that it reaches this service. `extend`: what it does. */
  const prolonging = (extend: NonNullable<Push['extend']>, open?: Push['open']) => {
    const { push } = watching.provider;
    if (push === null) throw new Error('Google pushes');
    const made: Push = { ...push, extend, handshake: () => null, ...(open === undefined ? {} : { open }) };
    return { providers: new Map([['google', { ...watching.provider, push: made }]]) };
  };
  const due = ({ calendarId }: WatchedCalendar) =>
    watching.stores.database.query('update watch_channel set renew_at = $2 where calendar_id = $1', [calendarId, at()]);
  const quieten = ({ calendarId }: WatchedCalendar) =>
    watching.stores.database.query(
      `update sync_state set due_at = $2::timestamptz + interval '1 day', wake = false, lane = 'sweep' where calendar_id = $1`,
      [calendarId, at()],
    );
  const laneOf = async ({ calendarId }: WatchedCalendar) =>
    (await watching.stores.database.query('select lane from sync_state where calendar_id = $1', [calendarId]))[0];
  const never: NonNullable<Push['extend']> = () => Promise.reject(new Error('nothing is extended here'));

  it('is relied on from the opening of a channel on, and asked again for the same one when that is due', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar, prolonging(never));
    const [before] = await channelRows(watching, calendar);
    watching.clock.move(10 * MINUTE);
    await tend(watching, calendar, prolonging(never));
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null });
    await due(calendar);
    await quieten(calendar);
    const until = watching.clock.now() + 3 * DAY;
    const asked: unknown[] = [];
    const extend: Push['extend'] = (_, channel, wanted) => {
      asked.push([channel, wanted.getTime() - watching.clock.now()]);
      return Promise.resolve(new Date(until));
    };
    await tend(watching, calendar, prolonging(extend));
    expect(asked).toEqual([[{ id: before?.channel_id, remote: before?.remote }, watching.provider.push?.life]]);
    const [after, ...others] = await channelRows(watching, calendar);
    expect([after?.channel_id, after?.state, after?.expires_at, others]).toEqual([before?.channel_id, 'live', new Date(until), []]);
    const share = ((after?.renew_at.getTime() ?? 0) - watching.clock.now()) / (3 * DAY);
    expect(share > 0.74 && share <= 0.8).toBe(true);
    expect([await laneOf(calendar), (await living(calendar)).length]).toEqual([{ lane: 'sweep' }, 1]);
  });

  it('and has it no more, is asked for another, and the calendar is read', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar, prolonging(never));
    const [before] = await channelRows(watching, calendar);
    await due(calendar);
    await quieten(calendar);
    await tend(
      watching,
      calendar,
      prolonging(() => Promise.reject(new ProviderFault('calendar-gone', 'there is no such channel'))),
    );
    const [after, ...others] = await channelRows(watching, calendar);
    expect([after?.state, after?.channel_id === before?.channel_id, others]).toEqual(['live', false, []]);
    expect([await standing(calendar), await laneOf(calendar)]).toMatchObject([{ mode: 'pushed', failures: 0 }, { lane: 'hot' }]);
  });

  it('and fails to, is tried again while the channel is still good', async () => {
    const calendar = await watching.adopted();
    await tend(watching, calendar, prolonging(never));
    await due(calendar);
    await tend(
      watching,
      calendar,
      prolonging(() => Promise.reject(new ProviderFault('unavailable', 'it does not answer'))),
    );
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null, failures: 1 });
    expect((await standing(calendar)).dueIn).toBeLessThan(HOUR);
  });

  it('sync-rule 27: and tells nothing of one calendar, which changes as any other, is asked again rarely, and the calendar is polled', async () => {
    const calendar = await watching.adopted();
    const refuses = prolonging(never, () => Promise.reject(new Unwatchable('often')));
    await tend(watching, calendar, refuses);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.refused', failures: 0 });
    expect((await standing(calendar)).dueIn).toBeGreaterThan(5 * DAY);
    expect(await channelRows(watching, calendar)).toEqual([]);
  });
});
