import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCursor, writeCursor } from '../../src/provider/caldav/cursor.js';
import { canonicalEtag, collectionUrl, objectPath } from '../../src/provider/caldav/hrefs.js';
import { calendarTimeZone } from '../../src/provider/caldav/calendar-timezone.js';
import { calendarQuery, multiget, syncCollection } from '../../src/provider/caldav/requests.js';
import { mayAuthorize } from '../../src/provider/http/authorization.js';
import { lanes } from '../../src/provider/http/lanes.js';
import { DEFAULTS } from '../../src/provider/http/guarded.settings.js';
import { retryAfterSeconds, retryDelay } from '../../src/provider/http/retry.js';

describe('addresses of calendars and objects', () => {
  it.each([
    ['/a/cal', 'https://example.org/a/cal/'],
    ['/a@b/caf%C3%A9/', 'https://example.org/a%40b/caf%C3%A9/'],
    ['https://p07-caldav.example.org:443/1/cal/?x#y', 'https://p07-caldav.example.org/1/cal/'],
    ['https://alice:secret@example.org/cal/', 'https://example.org/cal/'],
    ['/100%/', 'https://example.org/100%25/'],
  ])('%s is %s', (href, url) => {
    expect(collectionUrl(href, 'https://example.org/')).toBe(url);
  });

  it('have one spelling however they are escaped', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
        fc.pre(!['.', '..', '%2e', '%2e%2e', '.%2e', '%2e.'].includes(name.toLowerCase()));
        const escaped = encodeURIComponent(name);
        const everyByte = [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        fc.pre(!/^(%2e)+$/.test(everyByte));
        const spelt = objectPath(`/cal/${escaped}`, 'https://example.org/');
        expect(spelt).toBe(`/cal/${escaped}`);
        expect(objectPath(`/cal/${everyByte}`, 'https://example.org/')).toBe(spelt);
        expect(objectPath(`https://other.example.org/cal/${escaped}`, 'https://example.org/')).toBe(spelt);
      }),
    );
  });

  it('keep a slash inside a name apart from one between names', () => {
    expect(objectPath('/cal/a%2Fb.ics', 'https://example.org/')).not.toBe(objectPath('/cal/a/b.ics', 'https://example.org/'));
  });
});

describe('an entity tag', () => {
  it.each([
    ['"abc"', '"abc"'],
    ['W/"abc"', '"abc"'],
    ['abc', '"abc"'],
    [' "" ', null],
    ['', null],
    [null, null],
    ['x'.repeat(5_000), null],
  ])('%s is %s', (etag, canonical) => {
    expect(canonicalEtag(etag)).toBe(canonical);
  });
});

describe('a cursor', () => {
  it.each([
    { rung: 'sync', token: 'https://example.org/ns/"1"' },
    { rung: 'list', ctag: null },
    { rung: 'list', ctag: '7' },
    { rung: 'query' },
  ] as const)('comes back as it was written: %j', (cursor) => {
    expect(readCursor(writeCursor(cursor))).toEqual(cursor);
  });

  it.each(['', 'null', '7', '{}', '{"rung":"sync"}', '{"rung":"list"}', '{"rung":"up"}'])('is not %s', (text) => {
    expect(readCursor(text)).toBeNull();
  });
});

describe('the zone of a calendar', () => {
  it.each([
    ['BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nEND:VTIMEZONE', 'Europe/Paris'],
    ['TZID:/mozilla.org/20050126_1/America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['TZID:Home\nX-LIC-LOCATION:Asia/Tok\n yo', 'Asia/Tokyo'],
    ['TZID:Customized Time Zone', null],
    ['', null],
  ])('in %j is %s', (text, zone) => {
    expect(calendarTimeZone(text)).toBe(zone);
  });
});

describe('requests', () => {
  it('hold names and tokens as text of any kind', () => {
    expect(syncCollection('a&b<c>')).toContain('<d:sync-token>a&amp;b&lt;c&gt;</d:sync-token>');
    expect(multiget(['/a&b.ics'])).toContain('<d:href>/a&amp;b.ics</d:href>');
  });

  it('ask for days in UTC', () => {
    const body = calendarQuery({ start: '2026-03-10T00:00:00.000Z', end: '2026-04-10T12:30:00.000Z' }, ['d:getetag']);
    expect(body).toContain('<c:time-range start="20260310T000000Z" end="20260410T123000Z"/>');
  });
});

describe('a password', () => {
  const given = (origin: string, domain: string | null = null) => ({ header: 'Basic x', origin, domain });
  it.each([
    ['https://dav.example.org', null, 'https://dav.example.org/a/', true],
    ['https://dav.example.org', null, 'https://dav.example.org:8443/', false],
    ['https://dav.example.org', null, 'http://dav.example.org/', false],
    ['https://dav.example.org', null, 'https://other.example.org/', false],
    ['https://caldav.icloud.com', 'icloud.com', 'https://p07-caldav.icloud.com/1/', true],
    ['https://caldav.icloud.com', 'icloud.com', 'https://p07-caldav.icloud.com:443/1/', true],
    ['https://caldav.icloud.com', 'icloud.com', 'http://p07-caldav.icloud.com/1/', false],
    ['https://caldav.icloud.com', 'icloud.com', 'https://p07-caldav.icloud.com:8443/1/', false],
    ['https://caldav.icloud.com', 'icloud.com', 'https://icloud.com.example.org/', false],
    ['https://caldav.icloud.com', 'icloud.com', 'https://noticloud.com/', false],
    ['https://dav.example.org', 'icloud.com', 'https://p07-caldav.icloud.com/', false],
  ])('given for %s (%s) goes to %s: %s', (origin, domain, url, may) => {
    expect(mayAuthorize(given(origin, domain), new URL(url))).toBe(may);
  });
});

describe('waiting', () => {
  it('doubles from try to try, is never shorter than the server asks, and spreads', () => {
    expect([0, 1, 2].map((attempt) => retryDelay(attempt, 2_000, null, 0))).toEqual([2_000, 4_000, 8_000]);
    expect(retryDelay(0, 2_000, 30, 0)).toBe(30_000);
    expect(retryDelay(0, 2_000, null, 0.5)).toBe(2_500);
  });

  it('sync-rule 17: for a server that throttles lasts two seconds and doubles, also where it asks for less', () => {
    const { throttleFloor } = DEFAULTS;
    expect([0, 1, 2].map((attempt) => retryDelay(attempt, throttleFloor, 1, 0))).toEqual([2_000, 4_000, 8_000]);
    fc.assert(
      fc.property(fc.nat(5), fc.option(fc.nat(86_400)), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, asked, chance) => {
        const delay = retryDelay(attempt, throttleFloor, asked, chance);
        return delay >= 2_000 * 2 ** attempt && delay >= (asked ?? 0) * 1_000;
      }),
    );
  });

  it('reads both forms of Retry-After', () => {
    const now = Date.parse('2026-03-10T12:00:00Z');
    expect(retryAfterSeconds('1.2', now)).toBe(2);
    expect(retryAfterSeconds('Tue, 10 Mar 2026 12:01:00 GMT', now)).toBe(60);
    expect(retryAfterSeconds('Tue, 10 Mar 2026 11:00:00 GMT', now)).toBe(0);
    expect(retryAfterSeconds('soon', now)).toBeNull();
    expect(retryAfterSeconds(null, now)).toBeNull();
  });

  it.each(['86401', '1e300', 'Infinity', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'never waits longer than a day, even when it is asked for %s',
    (header) => {
      expect(retryAfterSeconds(header, 0)).toBe(86_400);
    },
  );
});

describe('a lane', () => {
  it('never holds more than its width, loses no work, and does not hold up another', async () => {
    const { run } = lanes();
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    const stuck = [run('other', 2, () => held), run('other', 2, () => held)];
    const failed = run('mine', 2, () => Promise.reject(new Error('no')));
    await Promise.all([expect(failed).rejects.toThrow('no'), ...Array.from({ length: 50 }, () => run('mine', 2, work))]);
    expect(most).toBe(2);
    free();
    await Promise.all(stuck);
  });
});
