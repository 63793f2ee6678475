import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { graphId } from '../../src/embedded/microsoft/event.js';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { type ProviderFault, type ScanRequest } from '../../src/provider/calendar-provider.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { type OAuth, type OAuthRefused } from '../../src/provider/oauth.js';
import { allowed, allTold, etagsOf, knownAfter, type Scan, scanAll } from '../support/caldav.js';
import { DAY, HOUR } from '../support/calendar-item.js';
import { NOMAIL, STRICT, type MicrosoftAccount, microsoftAccount } from '../support/microsoft-account.js';
import { HOME, TENANT } from '../support/microsoft-sandbox.js';
import { daysOf, type Entry, entry } from '../support/provided-account.js';
import { wholeWindow } from '../support/whole-window.js';

const WINDOW = { start: new Date(wholeWindow.from).toISOString(), end: new Date(wholeWindow.to).toISOString() };

let account: MicrosoftAccount;
let name: string;
beforeAll(async () => {
  account = await microsoftAccount();
});
beforeEach(async () => {
  name = await account.calendar();
});
afterEach(() => account.recover());
afterAll(() => account.stop());

const scan = (request: Partial<ScanRequest> = {}, calendar = name): Promise<Scan> =>
  scanAll(account.provider, account.secrets()[0], account.addressOf(calendar), { window: WINDOW, ...request });

const since = (earlier: Scan, request: Partial<ScanRequest> = {}, calendar = name): Promise<Scan> =>
  scan({ cursor: earlier.end.cursor, known: knownAfter(earlier), ...request }, calendar);

const put = (each: Entry, calendar = name): Promise<string | null> => account.put(calendar, each.master.title, each);

const weekly = (title: string, count = 6): Entry => ({ ...entry(title), rule: `FREQ=WEEKLY;COUNT=${count}` });

const objectsIn = ({ changes }: Scan): readonly CalendarObject[] =>
  changes.flatMap((change) => (change.kind === 'object' ? [change.object] : []));

const timeAt = (moment: number) => ({ dateTime: new Date(moment).toISOString().slice(0, 19), timeZone: 'UTC' });

/** An hour, so many days from now. */
const eventAt = (day: number) => {
  const at = entry('', day).master.start;
  return { start: timeAt(at), end: timeAt(at + HOUR) };
};

const titled = (read: Scan, title: string): CalendarObject => {
  const found = objectsIn(read).find(({ components }) => components[0]?.contents.title === title);
  if (found === undefined) throw new Error(`${title} was not read`);
  return found;
};

const failureOf = <T>(work: Promise<unknown>): Promise<T> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as T,
  );

const oauth = (): OAuth => {
  if (account.provider.oauth === null) throw new Error('Microsoft is connected by OAuth');
  return account.provider.oauth;
};

describe('An account at Microsoft', () => {
  it('is known by its tenant and its object id, at work and at home', async () => {
    const [work, home] = [await account.again(), await account.again(HOME)];
    expect(work.accountId).toMatch(new RegExp(`^${TENANT}[.][0-9a-f-]{36}$`));
    expect(home.accountId).toMatch(/^9188040d-6c67-4c5b-b112-36a304b66dad[.]/);
    expect([work.access, work.accountName]).toEqual(['read', 'ann@people.example']);
    // A personal account cannot grant what others share, and is connected without it.
    expect([home.access, ...home.scopes.filter((scope) => scope.endsWith('.Shared'))]).toEqual(['read']);
    expect(work.scopes.filter((scope) => scope.endsWith('.Shared'))).toHaveLength(1);
  });

  it('is asked for by PKCE, and for no more than reading needs until writing is turned on', () => {
    const begun = { redirectUri: 'https://calendar.example/back', state: 's', verifier: 'v'.repeat(43), loginHint: null };
    const [read, write] = (['read', 'write'] as const).map((access) => new URL(oauth().authorizationUrl({ access, ...begun })));
    expect(read?.pathname).toBe('/common/oauth2/v2.0/authorize');
    expect(read?.searchParams.get('scope')).toBe('openid profile email offline_access User.Read Calendars.Read Calendars.Read.Shared');
    expect(write?.searchParams.get('scope')).toContain('Calendars.ReadWrite Calendars.ReadWrite.Shared');
    expect(read?.searchParams.get('code_challenge_method')).toBe('S256');
  });

  it('cannot be connected where only an administrator may allow it, and is told so', async () => {
    expect((await failureOf<OAuthRefused>(account.again(STRICT))).code).toBe('oauth.admin-consent');
  });

  it('cannot be connected without a mailbox, and nothing is wrong with its calendars', async () => {
    const { secret } = await account.again(NOMAIL);
    expect((await failureOf<ProviderFault>(account.provider.discover(fixedGrant(secret), allowed()))).fault).toBe('forbidden');
  });

  it('sync-rule 15: gets a new refresh token with each renewal, while the old one still renews', async () => {
    const { secret } = await account.again();
    const renewed = await oauth().refresh(secret, allowed());
    expect(renewed['refreshToken']).not.toBe(secret['refreshToken']);
    expect(renewed['accessToken']).not.toBe(secret['accessToken']);
    expect((await oauth().refresh(secret, allowed()))['subject']).toBe(secret['subject']);
    account.sandbox.switchOn({ fault: 'no-refresh-token' });
    expect((await oauth().refresh(renewed, allowed()))['refreshToken']).toBe(renewed['refreshToken']);
  });

  it.each([
    [700_082, 'access-expired', /not used/],
    [50_173, 'access-withdrawn', /taken back/],
    [70_043, 'access-policy', /organisation asks/],
    [50_076, 'access-revoked', /new sign-in/],
  ] as const)('sync-rule 14, sync-rule 37: is lost for a reason of its own when Entra says %i', async (number, fault, words) => {
    const { secret } = await account.again();
    account.sandbox.switchOn({ fault: 'grant-refused', number, seconds: 43_200 });
    expect(await failureOf<ProviderFault>(oauth().refresh(secret, allowed()))).toMatchObject({
      fault,
      detail: expect.stringMatching(words),
      hours: fault === 'access-policy' ? 12 : null,
    });
  });

  it.each([[7_000_215], [7_000_222], [7_000_218]])(
    'is not lost when the client is refused (%i): that is the operator’s',
    async (number) => {
      const { secret } = await account.again();
      account.sandbox.switchOn({ fault: 'client-refused', number });
      expect((await failureOf<ProviderFault>(oauth().refresh(secret, allowed()))).fault).toBe('misconfigured');
    },
  );
});

describe('A calendar at Microsoft', () => {
  it('sync-rule 24: is asked for ids that last, and for times in UTC, in every request, and by its own path', async () => {
    await put(weekly('Weekly'));
    const whole = await scan({ soon: daysOf(0, 7) });
    await put({ ...weekly('Weekly', 7) });
    await since(whole);
    const asked = account.sandbox.requests().filter(({ path }) => path.includes(encodeURIComponent(account.addressOf(name))));
    expect(asked.length).toBeGreaterThan(3);
    for (const { prefer, path } of asked) {
      expect(prefer).toEqual(expect.stringContaining('IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'));
      expect(path).toContain('/me/calendars/');
    }
  });

  it('sync-rule 6: has a series by what takes place of it, never by the first date of its master', async () => {
    const old = weekly('Old', 60);
    await put({ ...old, master: { ...old.master, start: old.master.start - 200 * DAY } });
    const [series] = objectsIn(await scan());
    const [main] = series?.components ?? [];
    const starts = [main?.start, ...(main?.rdates.map(({ start }) => start) ?? [])].map((start) =>
      start !== undefined && 'wall' in start ? start.wall : '',
    );
    expect(starts.every((wall) => wall >= WINDOW.start.slice(0, 10))).toBe(true);
    expect(starts.every((wall) => wall.endsWith('T09:00:00'))).toBe(true);
    expect(main?.contents.title).toBe('Old');
  });

  it.each(['empty-pages', 'repeated-rows', 'strangers', 'short-pages'] as const)(
    'sync-rule 5: is the same when rounds have %s',
    async (fault) => {
      await put(weekly('Weekly'));
      await put(entry('Once', 2));
      const before = await scan();
      account.sandbox.switchOn({ fault, ...(fault === 'short-pages' ? { size: 1 } : {}) });
      const after = await scan();
      expect(new Set(allTold(after))).toEqual(new Set(allTold(before)));
      expect(objectsIn(after).at(-1)).toEqual(objectsIn(before).at(-1));
    },
  );

  it('sync-rule 5: loses nothing by a removal of what was never there, and only what it had by any other', async () => {
    await put(entry('Stays'));
    await put(entry('Goes', 1));
    const whole = await scan();
    await put(entry('Far away', 3_000));
    await account.remove(name, 'Far away');
    expect((await since(whole)).changes).toEqual([]);
    const goes = entry('Goes', 3_000);
    await put(goes);
    expect((await since(whole)).changes).toEqual([{ kind: 'removed', remoteId: titled(whole, 'Goes').remoteId }]);
  });

  it.each(['series', 'occurrences'] as const)('sync-rule 6: loses a series of which only its %s are told as removed', async (told) => {
    await put(weekly('Weekly'));
    const whole = await scan();
    account.sandbox.switchOn({ fault: 'bare-removals', told });
    await account.remove(name, 'Weekly');
    const gone = (await since(whole)).changes.filter(({ kind }) => kind === 'removed');
    expect(gone).toContainEqual({ kind: 'removed', remoteId: titled(whole, 'Weekly').remoteId });
  });

  it('sync-rule 9: reads a series again of which one occurrence was taken out', async () => {
    const series = weekly('Weekly');
    await put(series);
    const whole = await scan();
    await put({ ...series, exdates: [series.master.start + 7 * DAY] });
    const delta = await since(whole);
    expect(titled(delta, 'Weekly').components[0]?.rdates).toHaveLength(4);
  });

  it('sync-rule 1: counts an occurrence that has no id, and shows the others of its series', async () => {
    await put(weekly('Weekly'));
    const whole = await scan();
    await put(weekly('Weekly', 5));
    account.sandbox.switchOn({ fault: 'nameless-rows', on: 'instances' });
    const delta = await since(whole);
    expect(titled(delta, 'Weekly').components[0]?.rdates).toHaveLength(3);
    expect(delta.changes.filter(({ kind }) => kind === 'unreadable')).toMatchObject([{ code: 'object.bad-address' }]);
  });

  it('sync-rule 26: keeps a series that somebody shares, with its title, by the calendar’s own path', async () => {
    const shared = account.shared();
    await put(weekly('Shared'), shared);
    account.sandbox.switchOn({ fault: 'masters-left-out' });
    const whole = await scan({}, shared);
    expect(titled(whole, 'Shared').components[0]?.contents.title).toBe('Shared');
    expect(whole.end.within).toBeUndefined();
  });

  it('sync-rule 24: has its times and no titles where somebody shares only when they are busy', async () => {
    const quiet = account.shared('freeBusyRead');
    await put(weekly('Secret'), quiet);
    await put(entry('Secret too', 1), quiet);
    const objects = objectsIn(await scan({}, quiet));
    expect(objects.map(({ components: [one] }) => [one?.busy, one?.contents.title])).toEqual([
      ['busy', null],
      ['busy', null],
    ]);
  });

  it('sync-rule 26: keeps the time of a series whose details cannot be had yet, and asks again until they can', async () => {
    await put(weekly('Weekly'));
    account.sandbox.switchOn({ fault: 'masters-left-out' });
    account.sandbox.switchOn({ fault: 'unavailable', on: 'event' });
    const whole = await scan();
    const [series] = objectsIn(whole);
    expect(series).toMatchObject({ problems: ['component.details-pending'], components: [{ busy: 'busy', contents: { title: null } }] });
    expect(series?.components[0]?.rdates).toHaveLength(5);
    const waits = [whole.end.within];
    let later = whole;
    for (let asked = 0; asked < 8; asked += 1) {
      later = await since({ ...whole, end: later.end });
      waits.push(later.end.within);
    }
    expect(waits).toEqual(
      [15, 30, 60, 120, 240, 480, 600, 600, 600].map((seconds) => seconds * 2_000).map((wait) => Math.min(wait, 600_000)),
    );
    await account.recover();
    const told = await since({ ...whole, end: later.end });
    expect(titled(told, 'Weekly').problems).toEqual([]);
    expect(told.end.within).toBeUndefined();
  });

  it.each([
    [410, 'SyncStateNotFound', false],
    [410, 'resyncRequired', true],
    [400, 'syncStateNotFound', false],
    [404, 'SyncStateNotFound', false],
  ] as const)('sync-rule 4: begins again when its token is refused with %i %s', async (status, code, location) => {
    await put(entry('Once'));
    const whole = await scan();
    account.sandbox.switchOn({ fault: 'delta-refused', status, code, location });
    expect((await failureOf<ProviderFault>(since(whole))).fault).toBe('cursor-expired');
  });

  it('sync-rule 2: begins again when its token is refused in the middle of a round', async () => {
    for (let day = 0; day < 4; day += 1) await put(entry(`Day ${day}`, day));
    account.sandbox.switchOn({ fault: 'short-pages', size: 2 });
    account.sandbox.switchOn({ fault: 'delta-refused-midway' });
    expect((await failureOf<ProviderFault>(scan())).fault).toBe('cursor-expired');
  });

  it('sync-rule 20: keeps the instant of an event in a zone that no list knows', async () => {
    const { sandbox, addressOf } = account;
    const at = entry('Custom').master.start;
    sandbox.mailboxes.putEvent(addressOf(name), {
      ...{ id: 'custom', subject: 'Custom', start: timeAt(at), end: timeAt(at + HOUR), originalStartTimeZone: 'tzone://Microsoft/Custom' },
    });
    sandbox.mailboxes.putEvent(addressOf(name), {
      ...{ id: 'windows', subject: 'Windows' },
      ...{ start: { ...timeAt(at), timeZone: 'Romance Standard Time' }, end: { ...timeAt(at + HOUR), timeZone: 'Romance Standard Time' } },
    });
    const read = await scan();
    expect(titled(read, 'Custom').components[0]?.start).toEqual({ wall: new Date(at).toISOString().slice(0, 19), zone: 'UTC' });
    expect(titled(read, 'Windows').components[0]?.start).toMatchObject({ zone: 'Europe/Paris' });
    expect(titled(read, 'Custom').remoteId).toBe(graphId('custom', true));
  });

  it('sync-rule 19: takes whole days as days, their end exclusive, and as one where it has none', async () => {
    const day = (date: string) => ({ dateTime: `${date}T00:00:00`, timeZone: 'E. South America Standard Time' });
    const [first, second, third] = [1, 2, 3].map((each) => new Date(Date.now() + each * DAY).toISOString().slice(0, 10));
    for (const [title, end] of [
      ['Trip', third],
      ['Day', second],
      ['Odd', first],
    ] as const)
      account.sandbox.mailboxes.putEvent(account.addressOf(name), {
        ...{ id: title, subject: title, isAllDay: true, start: day(first ?? ''), end: day(end ?? '') },
      });
    const read = await scan();
    for (const [title, days] of [
      ['Trip', 2],
      ['Day', 1],
      ['Odd', 1],
    ] as const)
      expect(titled(read, title).components[0]).toMatchObject({ start: { date: first }, span: { days, seconds: 0 } });
  });

  it('sync-rule 7: has what takes place beyond its window once the window has moved on, and not before', async () => {
    const whole = await scan();
    await put(entry('Far', 500));
    const later = { start: WINDOW.start, end: new Date(Date.now() + 520 * DAY).toISOString() };
    expect((await since(whole, { window: later })).changes).toEqual([]);
    expect(objectsIn(await scan({ window: later })).map(({ components }) => components[0]?.contents.title)).toEqual(['Far']);
  });

  it('sync-rule 25: counts what it shows as free or tentative as such, and what it does not tell as taken', async () => {
    const shown = { free: 'free', workingElsewhere: 'free', tentative: 'tentative', oof: 'busy', busy: 'busy', unknown: 'busy' };
    for (const showAs of Object.keys(shown))
      account.sandbox.mailboxes.putEvent(account.addressOf(name), { subject: showAs, showAs, ...eventAt(0) });
    const read = await scan();
    expect(Object.fromEntries(objectsIn(read).map(({ components: [one] }) => [one?.contents.title, one?.busy]))).toEqual(shown);
    expect(titled(read, 'oof').eventType).toBe('out-of-office');
  });

  it('sync-rule 24: is private where its owner says so, and not where it only is of a personal kind', async () => {
    const kinds = { normal: false, personal: false, private: true, confidential: true };
    for (const sensitivity of Object.keys(kinds))
      account.sandbox.mailboxes.putEvent(account.addressOf(name), { subject: sensitivity, sensitivity, ...eventAt(0) });
    const read = await scan();
    expect(Object.fromEntries(objectsIn(read).map(({ components: [one] }) => [one?.contents.title, one?.private]))).toEqual(kinds);
  });

  it('lists everything by name when asked to, series and their occurrences too', async () => {
    await put(weekly('Weekly'));
    await put(entry('Once'));
    const whole = await scan();
    const listed = await since(whole, { list: true });
    expect(listed.end.whole).toBe(true);
    expect(listed.changes.filter(({ kind }) => kind === 'unchanged')).toHaveLength(7);
    expect(objectsIn(listed)).toEqual([titled(whole, 'Weekly')]);
    expect(etagsOf(whole).size).toBe(2);
  });
});
