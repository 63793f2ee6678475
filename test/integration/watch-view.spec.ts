import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type CalendarView } from '../../src/calendar/calendar.contract.js';
import { UNWATCHED } from '../../src/watch/unwatched.js';
import { type Api, startApi } from '../support/api.js';
import { type Browser, browserAt } from '../support/browser.js';
import { suiteResources } from '../support/opened.js';
import { eventually } from '../support/store.js';
import { startVendor, type Vendor } from '../support/vendor.js';

const opened = suiteResources();
let vendor: Vendor;
let api: Api;
beforeAll(async () => {
  vendor = await opened(startVendor());
  api = await opened(startApi(new Map([['google', vendor.provider]])));
});

const linked = async (): Promise<Browser> => {
  const browser = await browserAt(api, randomUUID());
  const begun = await browser.request('POST', '/v1/calendar/connections', { provider: 'google', consent: true });
  const { authorizationUrl, connectionId } = begun.body as { authorizationUrl: string; connectionId: string };
  await browser.open(vendor.visit(authorizationUrl, { account: `${connectionId}@vendor.example` }));
  return browser;
};

const calendarsOf = async (browser: Browser): Promise<readonly CalendarView[]> =>
  ((await browser.request('GET', '/v1/calendar/calendars')).body as { items: readonly CalendarView[] }).items;

describe('A calendar as its owner sees it', () => {
  it('says how its changes become known, and in plain words why it is not pushed', async () => {
    const browser = await linked();
    const calendar = await eventually('it is adopted', async () => (await calendarsOf(browser)).find(({ adopted }) => adopted));
    const isDue = async () =>
      (await api.stores.database.query('select 1 from watch_state where calendar_id = $1', [calendar.calendarId])).length > 0;
    await eventually('it is due to be watched', isDue);
    const watchIn = async (mode: string, reason: string | null) => {
      const set = 'update watch_state set mode = $2, reason = $3 where calendar_id = $1';
      await api.stores.database.query(set, [calendar.calendarId, mode, reason]);
      return (await calendarsOf(browser)).find(({ calendarId }) => calendarId === calendar.calendarId)?.watch;
    };
    expect(await watchIn('pushed', null)).toEqual({ mode: 'pushed', code: null, reason: null });
    for (const code of UNWATCHED) {
      const mode = code === 'push.unwatchable' ? 'unwatchable' : 'polled';
      expect(await watchIn(mode, code)).toEqual({ mode, code, reason: expect.stringMatching(/\w+ \w+.*\.$/) });
    }
  });
});
