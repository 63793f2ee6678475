import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Secret } from '../../src/kernel/vault.js';
import { type CalendarProvider, type ScanRequest } from '../../src/provider/calendar-provider.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { fixedGrant, type Grant } from '../../src/provider/grant.js';
import { type GuardedHttp } from '../../src/provider/http/guarded.http.js';
import { allowed, allTold, etagsOf, knownAfter, nearHttp, type Scan, scanAllBy, told } from '../support/caldav.js';
import { type MyWorld, startMyWorld } from '../support/myworld.js';

const WALK = {
  summary: 'Walk',
  start: { dateTime: '2026-12-01T09:00:00', timeZone: 'Europe/Paris' },
  end: { dateTime: '2026-12-01T10:00:00', timeZone: 'Europe/Paris' },
};

describe('A Google Calendar that others wrote', () => {
  let world: MyWorld;
  let http: GuardedHttp;
  let provider: CalendarProvider;
  let grant: Grant;

  const scan = (request: Partial<ScanRequest> = {}, by = grant): Promise<Scan> => scanAllBy(provider, by, 'alex@acme.com', request);
  const since = (earlier: Scan, request: Partial<ScanRequest> = {}): Promise<Scan> =>
    scan({ cursor: earlier.end.cursor, known: knownAfter(earlier), held: etagsOf(earlier).size, ...request });
  const insert = async (event: Readonly<Record<string, unknown>>): Promise<string> =>
    String((await world.ask('POST', 'calendars/primary/events', event))['id']);

  beforeAll(async () => {
    world = await startMyWorld();
    http = nearHttp({ retries: 2 });
    provider = googleProvider({ http, clock: { now: () => Date.now() }, google: world.settings });
    const secret = await provider.oauth?.refresh(world.secret, allowed());
    grant = fixedGrant(secret ?? {});
  });
  beforeEach(() => world.faults([]));
  afterEach(() => world.faults([]));
  afterAll(async () => {
    await http.close();
    await world.stop();
  });

  it('lists its calendars, the account’s own first, below a path', async () => {
    const { accountId, calendars } = await provider.discover(grant, allowed());
    expect(accountId).toBe('alex@acme.com');
    expect(calendars[0]).toMatchObject({ remoteId: 'alex@acme.com', writable: true, busyOnly: false, timeZone: 'America/Los_Angeles' });
    expect(calendars.find(({ remoteId }) => remoteId === 'team@acme.com')).toMatchObject({ name: 'Team calendar', writable: false });
  });

  it('is read whole, then by what changed', async () => {
    const whole = await scan();
    const listed = (await world.ask('GET', 'calendars/primary/events?maxResults=2500'))['items'] as readonly unknown[];
    expect([whole.changes.length, whole.end.expected]).toEqual([listed.length, listed.length]);
    expect(whole.changes.every(({ kind }) => kind === 'object')).toBe(true);

    const walk = await insert({ ...WALK, recurrence: ['RRULE:FREQ=WEEKLY;COUNT=4'] });
    const added = await since(whole);
    expect(allTold(added)).toEqual(['object Walk']);
    expect(added.changes[0]).toMatchObject({
      object: {
        remoteId: walk,
        components: [{ start: { wall: '2026-12-01T09:00:00', zone: 'Europe/Paris' }, rules: ['FREQ=WEEKLY;COUNT=4'] }],
      },
    });
    expect((await since(added)).changes).toEqual([]);

    await world.ask('PATCH', `calendars/primary/events/${walk}`, { summary: 'Long walk' });
    const changed = await since(added);
    expect(allTold(changed)).toEqual(['object Long walk']);

    await world.ask('DELETE', `calendars/primary/events/${walk}`);
    expect((await since(changed)).changes.map(told)).toEqual([`removed ${walk}`]);
  });

  it('is listed by name, and shows the urgent days first', async () => {
    const walk = await insert(WALK);
    const soon = { start: '2026-12-01T00:00:00.000Z', end: '2026-12-02T00:00:00.000Z' };
    const whole = await scan({ soon });
    expect(whole.pages[0]?.map(told)).toEqual(['object Walk']);
    expect(whole.pages.slice(1).flat().map(told)).not.toContain('object Walk');
    await world.ask('DELETE', `calendars/primary/events/${walk}`);
    const listed = await since(whole, { list: true });
    expect(listed.end.whole).toBe(true);
    expect(listed.changes.every(({ kind }) => kind === 'unchanged')).toBe(true);
    expect(listed.changes).toHaveLength(whole.changes.length - 1);
  });

  it('asks for a new start when it does not know the token', async () => {
    const whole = await scan();
    const cursor = JSON.stringify({ google: 1, token: 'nonsense' });
    await expect(scan({ cursor })).rejects.toMatchObject({ fault: 'cursor-expired' });
    expect(allTold(await scan())).toEqual(allTold(whole));
  });

  it.each([
    ['server_error', 'unavailable'],
    ['unavailable', 'unavailable'],
    ['bad_gateway', 'unavailable'],
    ['rate_limit', 'throttled'],
    ['not_found', 'calendar-gone'],
  ])('fails by %s as %s, and is read when that has passed', async (kind, fault) => {
    const whole = await scan();
    await world.faults([{ kind, tool: '*', times: null, from_call: 1 }]);
    await expect(scan()).rejects.toMatchObject({ name: 'ProviderFault', fault });
    await world.faults([]);
    expect(allTold(await scan())).toEqual(allTold(whole));
  });

  it('is read at once when a failure passes', async () => {
    const whole = await scan();
    await world.faults([{ kind: 'server_error', tool: '*', on_call: 1 }]);
    expect(allTold(await scan())).toEqual(allTold(whole));
  });

  it('is out of reach with tokens it does not know', async () => {
    const unknown: Secret = { ...world.secret, refreshToken: 'unknown' };
    await expect(scan({}, fixedGrant(unknown))).rejects.toMatchObject({ fault: 'access-revoked' });
    await expect(provider.oauth?.refresh(unknown, allowed())).rejects.toMatchObject({ fault: 'access-revoked' });
    expect(await provider.revoke(world.secret, allowed())).toBe('revoked');
  });
});
