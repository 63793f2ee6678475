import { beforeAll, expect, it } from '@jest/globals';
import { EventStoreDBClient } from '@eventstore/db-client';
import { type ConnectionView, type Redirect } from '../../../src/connection/connection.contract.js';
import { type GoogleFaultOrder } from '../../../src/embedded/google.sandbox.js';
import { type SettingsView } from '../../../src/preference/settings.contract.js';
import { dayFromNow } from '../../support/events.js';
import { consentOn, EVENTS_SCOPE, locationOf } from '../../support/google-sandbox.js';
import { removable } from '../../support/held-rows.js';
import { googleHour, type GoogleLinked, type GoogleSuite, type Person, personOf, throughConsent } from '../../support/linked-service.js';
import { eventually } from '../../support/store.js';

const CONNECTIONS = '/v1/calendar/connections';
const SETTINGS = '/v1/calendar/settings';
const READ_SCOPE = `${EVENTS_SCOPE}.readonly`;

/** What passes by itself, and what its owner is told of it. The first two say for how long. */
const PASSING: Readonly<Record<string, readonly [GoogleFaultOrder, string]>> = {
  limited: [{ fault: 'rate-limited', status: 403, retryAfter: 60 }, 'throttled'],
  crowded: [{ fault: 'rate-limited', status: 429, reason: 'userRateLimitExceeded', retryAfter: 60 }, 'throttled'],
  broken: [{ fault: 'broken' }, 'unavailable'],
  torn: [{ fault: 'cut' }, 'unavailable'],
  senseless: [{ fault: 'senseless' }, 'malformed'],
  tokenless: [{ fault: 'broken', on: 'token' }, 'unavailable'],
};

const NAMES = [...Object.keys(PASSING), 'refused', 'revoked', 'renewed', 'limited-consent', 'no-consent', 'policy', 'dormant', 'leaving'];

const addressOf = (name: string): string => `${name}@people.example`;

const zones = Object.fromEntries(NAMES.map((name) => [addressOf(name), 'UTC']));

const suite = (given: () => GoogleLinked): void => {
  let linked: GoogleLinked;
  beforeAll(() => {
    linked = given();
    for (const name of NAMES) linked.google.calendars.putEvent(addressOf(name), googleHour('lunch', dayFromNow(2), '12:00'));
  });

  type Linked = Person & Readonly<{ connectionId: string; calendarIds: readonly string[] }>;
  const linkedAs = async (name: string, access: 'read' | 'write' = 'read'): Promise<Linked> => {
    const person = await personOf(linked.service, name);
    const { connectionId, calendars } = await linked.link(person, addressOf(name), { access });
    return { ...person, connectionId, calendarIds: calendars.map(({ calendarId }) => calendarId) };
  };
  const sweep = async (...people: readonly Linked[]): Promise<void> => {
    await Promise.all(people.map((person) => linked.clockwork.sweep(person, ...person.calendarIds)));
  };
  const viewOf = (person: Linked): Promise<ConnectionView> => person.view(person.connectionId);
  /** Minutes from the last try to the next. */
  const pauseOf = async ({ calendarIds }: Linked): Promise<number> => {
    const [row] = await linked.service.rows<{ minutes: string }>(
      'select extract(epoch from due_at - last_attempt_at) / 60 as minutes from sync_state where calendar_id = any($1)',
      [calendarIds],
    );
    return Number(row?.minutes);
  };
  const asked = (path: string, account: string | null = null): number =>
    linked.google.requests().filter((each) => each.path.startsWith(path) && (account === null || each.account === account)).length;
  const facts = async ({ connectionId }: Linked): Promise<readonly string[]> => {
    const client = EventStoreDBClient.connectionString(await linked.service.eventStoreUrl());
    const types: string[] = [];
    for await (const { event } of client.readStream(`connection-${connectionId}`)) if (event !== undefined) types.push(event.type);
    await client.dispose();
    return types;
  };
  const shown = [`${dayFromNow(2)}T12:00:00.000Z lunch`];

  it('sync-rule 14: is not asked for again because of what passes, which waits from five minutes to six hours', async () => {
    const people = await Promise.all(Object.keys(PASSING).map((name) => linkedAs(name)));
    linked.suffer(...Object.entries(PASSING).map(([name, [fault]]) => ({ ...fault, account: addressOf(name) })));
    linked.google.act({ action: 'expire-access', account: addressOf('tokenless') });
    for (const { calendarIds } of people) await linked.clockwork.outdate(...calendarIds);
    await sweep(...people);
    const told = Object.values(PASSING).map(([, code]) => ['failing', code]);
    expect((await Promise.all(people.map(viewOf))).map(({ status, code }) => [status, code])).toEqual(told);
    for (const person of people) {
      expect(await person.shown()).toEqual(shown);
      expect(Math.abs((await pauseOf(person)) - 5)).toBeLessThanOrEqual(1.01);
    }
    const [first] = people;
    if (first === undefined) throw new Error('there are people');
    for (const pause of [10, 20]) {
      await sweep(first);
      expect(Math.abs((await pauseOf(first)) / pause - 1)).toBeLessThanOrEqual(0.21);
    }
    await linked.service.rows('update sync_state set failures = 40 where calendar_id = any($1)', [first.calendarIds]);
    await sweep(first);
    expect(Math.abs((await pauseOf(first)) / 360 - 1)).toBeLessThanOrEqual(0.21);
    linked.suffer();
    await sweep(...people);
    const well = await eventually('all are well', async () => {
      const views = await Promise.all(people.map(viewOf));
      return views.every(({ status }) => status === 'connected') && views;
    });
    expect(well.map(({ code }) => code)).toEqual(people.map(() => null));
  });

  it('sync-rule 14: is renewed when a token is refused, ends when a fresh one is refused as well, and comes back in place', async () => {
    const person = await linkedAs('refused');
    const renewals = asked('/token', addressOf('refused'));
    linked.suffer({ fault: 'access-refused', times: 1, account: addressOf('refused') });
    await sweep(person);
    expect([(await viewOf(person)).status, asked('/token', addressOf('refused'))]).toEqual(['connected', renewals + 1]);

    linked.suffer({ fault: 'access-refused', account: addressOf('refused') });
    await sweep(person);
    const ended = await viewOf(person);
    expect(ended).toMatchObject({
      status: 'needs_reconnect',
      code: 'access-revoked',
      nextStep: 'Connect again and allow the access there.',
    });
    expect(ended.reason).toContain('Google');
    expect(await person.shown()).toEqual(shown);
    expect(
      await linked.service.rows(`select 1 from sync_state where calendar_id = any($1) and due_at = 'infinity'`, [person.calendarIds]),
    ).toHaveLength(1);

    linked.suffer();
    linked.google.calendars.putEvent(addressOf('refused'), googleHour('later', dayFromNow(3), '12:00'));
    const { body, headers } = await person.request<Redirect>('POST', `${CONNECTIONS}/${person.connectionId}/reconnect`, {});
    const back = locationOf(await consentOn(body.authorizationUrl, { account: addressOf('refused') }));
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await fetch(back, { headers: { cookie } })).status).toBe(200);
    await eventually('it is read again', async () => (await person.shown()).length === 2);
    expect(await viewOf(person)).toMatchObject({ status: 'connected', calendars: [{ calendarId: person.calendarIds[0] }] });
  });

  it('sync-rule 14: ends when its person took it back at Google', async () => {
    const person = await linkedAs('revoked');
    linked.google.act({ action: 'revoke', account: addressOf('revoked') });
    await sweep(person);
    expect(await viewOf(person)).toMatchObject({ status: 'needs_reconnect', code: 'access-revoked' });
    expect(await person.shown()).toEqual(shown);
  });

  it('sync-rule 15: is renewed once for all calendars that are read at once, and goes on by the token it was given then', async () => {
    const account = addressOf('renewed');
    for (const index of [1, 2, 3, 4]) {
      const id = `c_${index}@group.calendar.google.com`;
      linked.google.calendars.putCalendar({ id, summary: id, timeZone: 'UTC', watchable: false });
      linked.google.calendars.share(account, id, { accessRole: 'owner' });
    }
    const person = await linkedAs('renewed');
    expect(person.calendarIds).toHaveLength(5);
    linked.suffer({ fault: 'grant-rotated', account });
    for (let round = 0; round < 2; round += 1) {
      const renewals = asked('/token', account);
      linked.google.act({ action: 'expire-access', account });
      await sweep(person);
      expect([(await viewOf(person)).status, asked('/token', account) - renewals]).toEqual(['connected', 1]);
    }
    linked.suffer();
  });

  it('sync-rule 16: is refused with words when reading was not allowed, and for reading only when writing was not', async () => {
    const refused = await personOf(linked.service, 'no-consent');
    const { connectionId, page } = await throughConsent(refused, { account: addressOf('no-consent'), untick: [READ_SCOPE, EVENTS_SCOPE] });
    expect(page.status).toBe(400);
    expect(await page.text()).toContain('tick');
    expect((await refused.request('GET', `${CONNECTIONS}/${connectionId}`)).status).toBe(404);

    const person = await personOf(linked.service, 'limited-consent');
    const account = addressOf('limited-consent');
    const limited = await linked.link(person, account, { access: 'write', untick: [EVENTS_SCOPE] });
    expect([limited.access, await person.shown()]).toEqual(['read', shown]);
    const toggled = { calendars: [{ calendarId: limited.calendars[0]?.calendarId, mode: 'write' }] };
    const missing = await person.request<{ code: string; authorizationUrl: string }>('PATCH', SETTINGS, toggled);
    expect([missing.status, missing.body.code]).toEqual([409, 'calendar.scope-missing']);
    expect((await person.view(limited.connectionId)).calendars[0]?.mode).toBe('read_only');
    const back = locationOf(await consentOn(missing.body.authorizationUrl, { account }));
    const cookie = missing.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await fetch(back, { headers: { cookie } })).status).toBe(200);
    await eventually('it may write', async () => (await person.view(limited.connectionId)).access === 'write');
    const allowed = await person.request<SettingsView>('PATCH', SETTINGS, toggled);
    expect([allowed.status, allowed.body.calendars[0]?.mode]).toEqual([200, 'write']);
  });

  it('sync-rule 37: that an organisation’s policy ended says so in words of its own, once however often it is looked at', async () => {
    const person = await linkedAs('policy');
    linked.suffer({ fault: 'grant-refused', subtype: 'invalid_rapt', account: addressOf('policy') });
    linked.google.act({ action: 'expire-access', account: addressOf('policy') });
    await sweep(person);
    const ended = await viewOf(person);
    expect(ended).toMatchObject({ status: 'needs_reconnect', code: 'access-policy' });
    expect(ended.reason).toContain('Your organisation asks for a new sign-in');
    const tries = asked('/token', addressOf('policy'));
    for (let look = 1; look <= 3; look += 1) {
      await linked.clockwork.tend(person.connectionId);
      expect(asked('/token', addressOf('policy'))).toBe(tries + look);
    }
    expect((await facts(person)).filter((type) => type.startsWith('ConnectionFailing'))).toHaveLength(1);
  });

  it('sync-rule 37: that is not used is renewed within a month', async () => {
    const person = await linkedAs('dormant');
    const look = async (days: number): Promise<number> => {
      const before = asked('/token', addressOf('dormant'));
      await linked.service.rows(
        `with renewal as (update grant_renewal set renewed_at = renewed_at - $2 * interval '1 day' where connection_id = $1)
         update vault set created_at = created_at - $2 * interval '1 day' where connection_id = $1`,
        [person.connectionId, days],
      );
      await linked.clockwork.tend(person.connectionId);
      return asked('/token', addressOf('dormant')) - before;
    };
    expect([await look(20), await look(9), await look(1)]).toEqual([0, 1, 0]);
  });

  it('sync-rule 12: that is given back stops the reading under way before its next request, and leaves nothing at either side', async () => {
    const account = addressOf('leaving');
    for (let index = 0; index < 9; index += 1)
      linked.google.calendars.putEvent(account, googleHour(`more-${index}`, dayFromNow(3 + index), '09:00'));
    const person = await linkedAs('leaving');
    linked.suffer({ fault: 'short-pages', size: 2, account }, { fault: 'slow', milliseconds: 1_000, account });
    await linked.service.rows('update sync_state set full_requested = true, due_at = now() where calendar_id = any($1)', [
      person.calendarIds,
    ]);
    const before = asked('/calendar/v3/calendars', account);
    await eventually('a page is under way', () => asked('/calendar/v3/calendars', account) > before);
    const { status, body } = await person.request<ConnectionView>('DELETE', `${CONNECTIONS}/${person.connectionId}`);
    expect([status, body.status]).toEqual([202, 'revoked']);
    const atRevoke = asked('/calendar/v3', account);
    const kept = () => removable(linked.service.rows, person);
    await eventually('nothing is kept', async () => Object.values(await kept()).every((count) => count === 0));
    await eventually('the grant was given back', () =>
      linked.google.requests().some(({ path, status: code }) => path === '/revoke' && code === 200),
    );
    await eventually('nothing of it is left to do', async () => (await facts(person)).some((type) => type.startsWith('ConnectionPurged')));
    expect(asked('/calendar/v3', account)).toBe(atRevoke);
    expect(await person.shown()).toEqual([]);
    expect(await viewOf(person)).toMatchObject({ status: 'revoked', account: null, calendars: [] });
    expect(await linked.service.rows('select 1 from vault where connection_id = $1', [person.connectionId])).toEqual([]);
    linked.suffer();
  });
};

export const accessRules: GoogleSuite = { title: 'The access to a Google account, through the whole service,', zones, suite };
