import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type When } from '../../src/calendar/calendar-object.js';
import { askAgainIn, readCursor, writeCursor } from '../../src/provider/microsoft/graph-cursor.js';
import { pathOf, pathTo } from '../../src/provider/microsoft/graph-link.js';
import { judge } from '../../src/provider/microsoft/graph-refusal.js';
import { exactTime, instantOf, knownZone } from '../../src/provider/microsoft/graph-time.js';
import { Batch } from '../../src/provider/microsoft/graph.batch.js';
import { completed } from '../../src/provider/microsoft/graph.hydration.js';
import { graphReader } from '../../src/provider/microsoft/graph.reader.js';
import { seriesOf } from '../../src/provider/microsoft/graph.series.js';
import { issuerFor } from '../../src/provider/microsoft/microsoft-issuer.js';
import { accessGranted } from '../../src/provider/microsoft/microsoft-scopes.js';
import { WINDOWS_ZONES } from '../../src/provider/windows-zones.js';
import { expand } from '../../src/time/recurrence.js';
import { parseWall } from '../../src/time/civil.js';
import { zoneOrUtc } from '../../src/time/time-zone.js';

const GRAPH = 'https://graph.microsoft.com';
const TENANT = '11111111-2222-4333-8444-555555555555';
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';
const SETTINGS = { clientId: 'us', clientSecret: 'shh', loginUrl: 'https://login.microsoftonline.com', graphUrl: GRAPH };

const zones = fc.constantFrom(...WINDOWS_ZONES.keys(), 'Europe/Paris', 'tzone://Microsoft/Custom', 'Customized Time Zone');
const instants = fc.integer({ min: Date.UTC(2020, 0, 1) / 1_000, max: Date.UTC(2029, 11, 31) / 1_000 });

const instantAt = (when: When): number => ('date' in when ? NaN : zoneOrUtc(when.zone ?? 'UTC', {}).instantOf(parseWall(when.wall) ?? NaN));

const time = (at: number) => ({ dateTime: `${new Date(at * 1_000).toISOString().slice(0, 19)}.0000000`, timeZone: 'UTC' });

describe('Of Microsoft,', () => {
  it('sync-rule 20: a time is the very instant that was told, on whichever clock it is shown', () => {
    fc.assert(
      fc.property(instants, zones, (at, zone) => {
        expect(instantAt(exactTime(instantOf(time(at)), knownZone(zone)))).toBe(at);
      }),
    );
  });

  it('sync-rule 6: a series takes place when its occurrences do, in whichever order they came, and at no other time', () => {
    const gaps = fc.uniqueArray(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(instants, gaps, zones, (from, hours, zone) => {
        const starts = hours.map((each) => from + each * 3_600);
        const occurrences = starts.map((at) => ({ id: String(at), start: time(at), end: time(at + 1_800), exception: null }));
        const object = seriesOf({ id: 'series', template: null, uid: null, occurrences }, null);
        const range = { start: from * 1_000, end: (from + 30_000 * 3_600) * 1_000 };
        const expansion = expand(object?.components ?? [], {}, range, 'UTC');
        const found = 'unexpandable' in expansion ? [] : expansion.occurrences.map(({ start }) => start / 1_000);
        expect([...found].sort((a, b) => a - b)).toEqual([...starts].sort((a, b) => a - b));
        expect(knownZone(zone) === null || knownZone(zone) !== '').toBe(true);
      }),
    );
  });

  it('a series none of whose occurrences has a time that makes sense is counted, and each of them leads to it', async () => {
    const batch = new Batch(null);
    batch.take({ id: 'series', type: 'seriesMaster', subject: 'Odd' });
    batch.take({ id: 'one', type: 'occurrence', seriesMasterId: 'series', start: { dateTime: 'soon', timeZone: 'UTC' } });
    const refuse = () => Promise.reject(new Error('nothing is asked for'));
    const reader = graphReader({ read: refuse, send: refuse }, GRAPH, 'calendar');
    const made = await completed({ reader, window: { start: '', end: '' }, own: null }, 'series', batch.of('series'));
    expect(made.changes).toEqual([
      { kind: 'unreadable', remoteId: 'series', etag: null, code: 'object.bad-time' },
      { kind: 'other', remoteId: 'one', etag: 'of:series' },
    ]);
  });

  it('a cursor comes back as it was written, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 20 }), fc.nat(100), (token, series, tries) => {
        const cursor = {
          link: `/me/calendars/a/calendarView/delta?$deltatoken=${token}`,
          window: { start: 'a', end: 'b' },
          pending: { series, tries },
        };
        expect(readCursor(writeCursor(cursor))).toEqual(cursor);
        expect(readCursor(token)).toBeNull();
      }),
    );
  });

  it('details are asked for again after thirty seconds at first, and every ten minutes at last', () => {
    expect([1, 2, 5, 6, 1_000].map(askAgainIn)).toEqual([30_000, 60_000, 480_000, 600_000, 600_000]);
  });

  it('a link is followed only to the origin that is configured', () => {
    expect(pathOf(GRAPH, `${GRAPH}/v1.0/me/calendars?$skip=2`)).toBe('/me/calendars?$skip=2');
    for (const link of [
      'https://graph.microsoft.com.evil.example/v1.0/me',
      'https://evil.example/v1.0/me',
      'http://graph.microsoft.com/v1.0/me',
      `${GRAPH}/beta/me`,
      `${GRAPH}/v1.0/../beta/me`,
      `${GRAPH}@evil.example/v1.0/me`,
      '/v1.0/me',
      '',
    ])
      expect(() => pathOf(GRAPH, link)).toThrow(/malformed/);
    expect(pathTo('me', 'calendars', 'A/+=')).toBe('/me/calendars/A%2F%2B%3D');
  });

  it('a token that Outlook forgot is told from a calendar that is gone', () => {
    expect(judge({ status: 410, code: '', message: '' }, true).fault).toBe('cursor-expired');
    expect(judge({ status: 404, code: 'SyncStateNotFound', message: '' }, true).fault).toBe('cursor-expired');
    expect(judge({ status: 404, code: 'ErrorItemNotFound', message: '' }, true).fault).toBe('calendar-gone');
    expect(judge({ status: 404, code: 'MailboxNotEnabledForRESTAPI', message: '' }, false).fault).toBe('forbidden');
    expect(judge({ status: 429, code: 'ApplicationThrottled', message: '' }, false)).toMatchObject({ fault: 'throttled', isPassing: true });
  });

  it('an account’s issuer is that of its own tenant, and no other tenant’s than the operator named', () => {
    const at = (tenant: string, tid: unknown) => issuerFor({ ...SETTINGS, tenant }, tid, undefined);
    expect(at('common', TENANT)).toBe(`${SETTINGS.loginUrl}/${TENANT}/v2.0`);
    expect(at('common', PERSONAL)).toBe(`${SETTINGS.loginUrl}/${PERSONAL}/v2.0`);
    expect([
      at('organizations', PERSONAL),
      at('consumers', TENANT),
      at(PERSONAL, TENANT),
      at('common', 'x/../y'),
      at('common', undefined),
    ]).toEqual(Array.from({ length: 5 }, () => null));
    expect(at(TENANT.toUpperCase(), TENANT)).not.toBeNull();
  });

  it('granted scopes count in any case, with Graph’s address before them or without', () => {
    expect(accessGranted(['openid', 'https://graph.microsoft.com/calendars.read'])).toBe('read');
    expect(accessGranted(['Calendars.ReadWrite'])).toBe('write');
    expect(accessGranted(['openid', 'User.Read', 'Calendars.ReadBasic'])).toBeNull();
  });
});
