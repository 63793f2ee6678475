import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { type Api, startApi } from '../support/api.js';
import { type Browser, browserAt } from '../support/browser.js';
import { suiteResources } from '../support/opened.js';
import { startVendor, type Vendor } from '../support/vendor.js';

const CONNECTIONS = '/v1/calendar/connections';
const SETTINGS = '/v1/calendar/settings';
const APP = 'https://app.example.com';

const opened = suiteResources();
let vendor: Vendor;
let api: Api;
beforeAll(async () => {
  vendor = await opened(startVendor());
  api = await opened(startApi(new Map([['google', vendor.provider]]), { CORS_ORIGINS: APP }));
});

/** A person with an account that may be read, and a calendar of it. */
const reader = async () => {
  const ada = await browserAt(api, randomUUID());
  const { body } = await ada.request('POST', CONNECTIONS, { provider: 'google', consent: true });
  const { connectionId, authorizationUrl } = body as { connectionId: string; authorizationUrl: string };
  await ada.open(vendor.visit(authorizationUrl, { account: 'ada@vendor.example' }));
  const { calendars } = (await ada.request('GET', `${CONNECTIONS}/${connectionId}`)).body as ConnectionView;
  return { ada, connectionId, calendarId: calendars[0]?.calendarId ?? '' };
};

const toggle = (ada: Browser, calendarId: string, more: Readonly<Record<string, unknown>> = {}) =>
  ada.request('PATCH', SETTINGS, { calendars: [{ calendarId, mode: 'write' }], ...more });
const factsOf = async (id: string) => (await api.stores.store.load(`connection-${id}`, connectionCodec)).map(({ type }) => type);

describe('sync-rule 16: writing that was not granted', () => {
  it('is refused with the address where it is granted, and allowed once it was', async () => {
    const { ada, connectionId, calendarId } = await reader();
    const refused = await toggle(ada, calendarId);
    expect([refused.status, refused.body]).toMatchObject([409, { code: 'calendar.scope-missing', authorizationUrl: expect.any(String) }]);
    const { authorizationUrl } = refused.body as { authorizationUrl: string };
    expect(new URL(authorizationUrl).searchParams.get('scope')).toBe('read write');
    const page = await ada.open(vendor.visit(authorizationUrl, { account: 'ada@vendor.example' }));
    expect(page.text).toContain('may be written to now');
    expect((await ada.request('GET', `${CONNECTIONS}/${connectionId}`)).body).toMatchObject({ access: 'write' });
    expect(await factsOf(connectionId)).toEqual(expect.arrayContaining(['ConnectionReauthorized', 'AccessGranted']));
    const allowed = await toggle(ada, calendarId);
    expect([allowed.status, allowed.body]).toMatchObject([200, { calendars: [{ calendarId, mode: 'write' }] }]);
  });

  it('is refused before anything else of the request is done', async () => {
    const { ada, calendarId } = await reader();
    await toggle(ada, calendarId, { timeZone: 'Europe/Paris' });
    expect((await ada.request('GET', SETTINGS)).body).toMatchObject({ timeZone: null, calendars: [{ mode: 'read_only' }] });
  });

  it('stays missing when the box is unticked again', async () => {
    const { ada, connectionId, calendarId } = await reader();
    const { body } = await toggle(ada, calendarId, { returnTo: `${APP}/settings` });
    const address = vendor.visit((body as { authorizationUrl: string }).authorizationUrl, {
      account: 'ada@vendor.example',
      scopes: ['read'],
    });
    expect((await ada.open(address)).headers.get('location')).toBe(`${APP}/settings?error=oauth.scope-missing`);
    expect(await factsOf(connectionId)).not.toContain('AccessGranted');
    expect((await toggle(ada, calendarId)).status).toBe(409);
  });

  it('is granted for the account of the connection, and no other', async () => {
    const { ada, connectionId, calendarId } = await reader();
    const { body } = await toggle(ada, calendarId, { returnTo: APP });
    const address = vendor.visit((body as { authorizationUrl: string }).authorizationUrl, { account: 'eve@vendor.example' });
    expect((await ada.open(address)).headers.get('location')).toBe(`${APP}/?error=oauth.other-account`);
    expect(await factsOf(connectionId)).not.toContain('AccessGranted');
  });

  it('leaves people who only read as they are', async () => {
    const { ada, calendarId } = await reader();
    const { status } = await ada.request('PATCH', SETTINGS, { calendars: [{ calendarId, mode: 'read_only', visible: true }] });
    expect(status).toBe(200);
  });
});
