import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, startApi } from '../support/api.js';
import { flood } from '../support/flood.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';
import { channelIn, type Headers as Change, notified, type OpenedChannel, pushingProviders } from '../support/webhooks.js';

const COUNT = strength(400, 10_000);

const opened = suiteResources();
const atEnd = testEndings();
let api: Api;
let channel: OpenedChannel;
beforeAll(async () => {
  api = await opened(startApi(pushingProviders(), { TRUST_PROXY: '1', RATE_LIMIT_ANONYMOUS: '120' }));
});
beforeEach(async () => {
  channel = await channelIn(api.stores.database);
});

const send = (number: number, change: Change = {}): Promise<Response> => notified(api.url, channel, number, change);
const seen = async (): Promise<number> => {
  const [row] = await api.stores.database.query<{ seen: string }>('select seen from watch_channel where channel_id = $1', [channel.id]);
  return Number(row?.seen);
};
const WOKEN = { isDue: true, wake: true };
const calendar = async (): Promise<unknown> => {
  const [row] = await api.stores.database.query(
    'select due_at <= clock_timestamp() as "isDue", wake from sync_state where calendar_id = $1',
    [channel.calendarId],
  );
  return row;
};

describe('sync-rule 33: A flood', () => {
  it('of many notifications on one channel loses none, and is written in far fewer pieces', async () => {
    const { database } = api.stores;
    const pieces: (string | null)[] = [];
    atEnd(database.listen('sync_state', (payload) => pieces.push(payload)));
    await eventually('it listens', () => pieces.length === 1);
    const answers = new Map<number, number>();
    await flood(COUNT, 200, async (index) => {
      const { status } = await send(index);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    });
    expect([...answers]).toEqual([[204, COUNT]]);
    expect([await seen(), await calendar()]).toEqual([COUNT, WOKEN]);
    expect(pieces.length).toBeLessThan(COUNT / 2);
  });

  it('of many unknown ids makes no work, and keeps no genuine notification out', async () => {
    await flood(COUNT, 200, async (index) => {
      const forged = await send(1, { 'x-goog-channel-id': randomUUID(), 'x-forwarded-for': '203.0.113.66' });
      expect([404, 429]).toContain(forged.status);
      if (index % 200 === 0) expect((await send(index)).status).toBe(204);
    });
    expect(await api.metrics()).toContain(`webhook_notifications_total{provider="google",outcome="refused"} ${COUNT}\n`);
    expect(await calendar()).toEqual(WOKEN);
  });

  it('that nothing can be written of is held in bounds, and asked to come again', async () => {
    const { database } = api.stores;
    let unlock = (): void => undefined;
    const locked = new Promise<void>((resolve) => (unlock = resolve));
    let hasLocked = (): void => undefined;
    const holding = new Promise<void>((resolve) => (hasLocked = resolve));
    const lock = database.transaction(async (sql) => {
      await sql.query('lock table watch_channel in access exclusive mode');
      hasLocked();
      await locked;
    });
    await holding;
    const answers: number[] = [];
    const all = Array.from({ length: 1_300 }, async (_, index) => answers.push((await send(index + 1)).status));
    // One is looked for, a thousand wait.
    await eventually('what is too much is refused', () => answers.length >= 200);
    expect(new Set(answers)).toEqual(new Set([503]));
    const refusals = answers.length;
    unlock();
    await Promise.all([lock, ...all]);
    expect(answers.filter((answer) => answer === 204).length).toBeGreaterThanOrEqual(answers.length - refusals - 200);
    expect(await calendar()).toEqual(WOKEN);
  });
});
