import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { operatorMistakes } from '../../src/app/operator-mistakes.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { suiteResources } from '../support/opened.js';
import { SILENT } from '../support/store.js';
import { channelRows, startWatching, tend, type WatchedCalendar, type Watching, watchStanding } from '../support/watched-calendar.js';

const opened = suiteResources();
let watching: Watching;
beforeAll(async () => {
  watching = await opened(startWatching());
});
beforeEach(() => {
  watching.sandbox.switchOff();
});

const standing = (calendar: WatchedCalendar) => watchStanding(watching, calendar);
const statesOf = async (calendar: WatchedCalendar) => (await channelRows(watching, calendar)).map(({ state }) => state);

describe('An address that the calendar service refuses', () => {
  it('is on health in words, and the calendar says that push is refused, until the operator has mended it', async () => {
    const calendar = await watching.adopted();
    const mistakes = operatorMistakes(new Map([['google', watching.provider]]), SILENT);
    const health = healthRegistry();
    mistakes.addChecks(health, 'calendars');
    const { providers } = mistakes;
    await tend(watching, calendar, { providers, webhookOf: () => 'http://calendar.example.com/v1/webhooks/google' });
    expect(await health.run()).toEqual([
      {
        ...{ name: 'google calendars', ok: false, isPartial: true },
        detail: 'Google sends no notifications to the address of this service: verify its domain and its https',
      },
    ]);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.refused' });
    expect(await channelRows(watching, calendar)).toEqual([]);
    await tend(watching, calendar, { providers });
    expect(await health.run()).toEqual([{ name: 'google calendars', ok: true }]);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null });
  });
});

describe('A channel whose id the calendar service has had before', () => {
  it('is opened under another one at once', async () => {
    const [first, calendar] = [await watching.adopted(), await watching.adopted()];
    await tend(watching, first);
    const [had] = await channelRows(watching, first);
    const { database } = watching.stores;
    await database.query('delete from watch_channel where channel_id = $1', [had?.channel_id]);
    const ids = [had?.channel_id ?? ''];
    const { entropy } = watching.runtime();
    const before = watching.sandbox.requests().length;
    await tend(watching, calendar, { entropy: { ...entropy, uuid: () => ids.shift() ?? entropy.uuid() } });
    const asked = watching.sandbox.requests().slice(before);
    expect(asked.filter(({ path }) => path.endsWith('/watch')).map(({ status }) => status)).toEqual([400, 200]);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null, failures: 0 });
    expect((await statesOf(calendar)).filter((state) => state === 'live')).toEqual(['live']);
  });

  it('is tried twice and no more, and the calendar is polled until it is tried again', async () => {
    const calendar = await watching.adopted();
    const { provider } = watching;
    if (provider.push === null) throw new Error('Google pushes');
    const ids: string[] = [];
    const open: typeof provider.push.open = (_, __, { id }) => {
      ids.push(id);
      return Promise.reject(new ProviderFault('conflict', 'Google has had a channel of this id'));
    };
    await tend(watching, calendar, { providers: new Map([['google', { ...provider, push: { ...provider.push, open } }]]) });
    expect(new Set(ids).size).toBe(2);
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy', failures: 1 });
    await tend(watching, calendar);
    expect(await standing(calendar)).toMatchObject({ failures: 0 });
    expect(await statesOf(calendar)).toContain('live');
  });
});
