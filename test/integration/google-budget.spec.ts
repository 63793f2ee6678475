import { describe, expect, it } from '@jest/globals';
import { type Lane, type Spend } from '../../src/provider/budget.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { allowed, nearHttp, scanAll } from '../support/caldav.js';
import { type Asked, type Reply, SECRET, startGoogleServer } from '../support/google-server.js';
import { testEndings } from '../support/opened.js';

const CALENDAR = 'ada@example.org';
const UNTIL = new Date(1_900_000_000_000);
const CHANNEL = { id: 'channel-1', remote: 'resource-1' };

const replyTo = ({ path }: Asked): Reply => {
  if (path === '/token') return { body: { access_token: 'new', token_type: 'Bearer', expires_in: 3_599 } };
  if (path === '/revoke') return {};
  if (path.endsWith('/calendarList')) return { body: { kind: 'calendar#calendarList', items: [{ id: CALENDAR, primary: true }] } };
  if (path.endsWith('/watch')) return { body: { id: CHANNEL.id, resourceId: CHANNEL.remote, expiration: String(UNTIL.getTime()) } };
  if (path.endsWith('/stop')) return { status: 204 };
  return { body: { kind: 'calendar#events', items: [], nextSyncToken: 'token' } };
};

describe('The budget of a Google account', () => {
  const atEnd = testEndings();

  it('is what each request to Google is taken out of: lists, readings, channels, renewed tokens and the end of the grant', async () => {
    const server = await startGoogleServer(replyTo);
    atEnd(server.stop);
    const spent: Lane[] = [];
    const spend: Spend = (lane) => {
      spent.push(lane);
      return Promise.resolve(0);
    };
    const http = nearHttp({ spend });
    atEnd(http.close);
    const google = googleProvider({ http, clock: { now: () => Date.now() }, google: server.settings });
    const grant = fixedGrant(SECRET);
    const order = { id: CHANNEL.id, token: 'token', address: 'https://calendar.example.org/v1/webhooks/google', until: UNTIL };
    const works: Readonly<Record<string, () => Promise<unknown>>> = {
      discover: () => google.discover(grant, allowed()),
      scan: () => scanAll(google, SECRET, CALENDAR),
      open: () => google.push?.open(grant, CALENDAR, order, allowed()) ?? Promise.reject(new Error('Google pushes')),
      stop: () => google.push?.stop(grant, CHANNEL, allowed()) ?? Promise.reject(new Error('Google pushes')),
      refresh: () => google.oauth?.refresh(SECRET, allowed()) ?? Promise.reject(new Error('Google renews')),
      revoke: () => google.revoke(SECRET, allowed()),
    };
    for (const [name, work] of Object.entries(works)) {
      const before = server.asked.length;
      await work();
      expect([name, server.asked.length > before, spent.length]).toEqual([name, true, server.asked.length]);
    }
    expect(new Set(spent.map(({ account }) => account)).size).toBe(1);
    expect(spent.every(({ aMinute }) => aMinute === 600)).toBe(true);
  });
});
