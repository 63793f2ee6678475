import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView, type Redirect } from '../../src/connection/connection.contract.js';
import { type MicrosoftStart } from '../../src/embedded/microsoft/account.js';
import { MICROSOFT_SANDBOX_CLIENT, type MicrosoftSandbox, startMicrosoftSandbox } from '../../src/embedded/microsoft.sandbox.js';
import { dayFromNow } from '../support/events.js';
import { type Person, personOf } from '../support/linked-service.js';
import { consentOn, locationOf, TENANT } from '../support/microsoft-sandbox.js';
import { suiteResources } from '../support/opened.js';
import { type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { startWebhookRelay, type WebhookRelay } from '../support/webhook-relay.js';
import { type WatchTools, watchToolsOf } from '../support/watch-tools.js';

const NAMES = ['told', 'renewed', 'missed', 'removed', 'asked', 'shared', 'revoked'] as const;
type Name = (typeof NAMES)[number];

const emailOf = (name: string): string => `${name}@people.example`;
const calendarOf = (name: string): string => `AQMk${name}/Calendar=`;
const TEAM = 'AQMkTeam==';

/** Everybody with a calendar of their own; one of them also with one that another person shares. */
const start: MicrosoftStart = {
  people: NAMES.map((name) => ({
    ...{ email: emailOf(name), fullName: name, tenant: TENANT, timeZone: 'UTC' },
    list: [
      { calendar: calendarOf(name), role: 'owner' as const },
      ...(name === 'shared' ? [{ calendar: TEAM, role: 'read' as const }] : []),
    ],
  })),
  calendars: [
    ...NAMES.map((name) => ({ id: calendarOf(name), name: 'Calendar', owner: { name, address: emailOf(name) } })),
    { id: TEAM, name: 'Team', owner: { name: 'told', address: emailOf('told') } },
  ],
};

type Watched = Person & Readonly<{ name: Name; connectionId: string; calendarId: string }>;

const PUSHED = { mode: 'pushed', code: null, reason: null };

describe('What Microsoft tells of, through the whole service,', () => {
  const opened = suiteResources();
  let microsoft: MicrosoftSandbox;
  let relay: WebhookRelay;
  let service: Service;
  let tools: WatchTools;

  beforeAll(async () => {
    const clock = { now: () => Date.now() };
    microsoft = await opened(startMicrosoftSandbox({ clock, port: 0, timeZone: 'UTC', restlessness: null, start }));
    relay = await opened(startWebhookRelay());
    const origin = microsoft.url.replace(/[/]$/, '');
    const { id, secret } = MICROSOFT_SANDBOX_CLIENT;
    service = await opened(
      startService({
        ...{ MICROSOFT_CLIENT_ID: id, MICROSOFT_CLIENT_SECRET: secret, MICROSOFT_LOGIN_URL: origin, MICROSOFT_GRAPH_URL: origin },
        PUBLIC_URL: relay.url,
      }),
    );
    relay.leadTo(service.url);
    tools = watchToolsOf(service);
  });

  const linked = async (name: Name): Promise<Readonly<{ person: Person; view: ConnectionView }>> => {
    const person = await personOf(service, name);
    const { body, headers } = await person.request<Redirect>('POST', '/v1/calendar/connections', { provider: 'microsoft', consent: true });
    const back = locationOf(await consentOn(body.authorizationUrl, { account: emailOf(name) })).href;
    const page = await fetch(back, { headers: { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' }, redirect: 'manual' });
    expect(page.status).toBe(200);
    const view = await eventually('its calendars were read', async () => {
      const seen = await person.view(body.connectionId);
      return seen.calendars.length > 0 && seen.status === 'connected' && seen;
    });
    return { person, view };
  };
  const subscriptionsOf = (name: string): readonly string[] =>
    microsoft
      .subscriptions()
      .filter(({ account }) => account === emailOf(name))
      .map(({ id }) => id);
  const watched = async (name: Name): Promise<Watched> => {
    const { person, view } = await linked(name);
    const calendarId = view.calendars.find((calendar) => calendar.name !== 'Team')?.calendarId ?? '';
    await eventually('it is watched', async () => (await tools.channels({ calendarId })).some(({ state }) => state === 'live'));
    await tools.quiet({ calendarId });
    return { ...person, name, connectionId: view.connectionId, calendarId };
  };
  let hours = 7;
  const change = (name: Name, title: string): void => {
    hours += 1;
    const at = (hour: number) => ({ dateTime: `${dayFromNow(2)}T${String(hour % 23).padStart(2, '0')}:00:00.0000000`, timeZone: 'UTC' });
    microsoft.mailboxes.putEvent(calendarOf(name), { id: title, subject: title, start: at(hours), end: at(hours + 1), showAs: 'busy' });
  };
  const sees = (person: Person, title: string) =>
    eventually(`${title} is shown`, async () => (await person.shown()).some((shown) => shown.endsWith(` ${title}`)));
  /** Requests of somebody, as `METHOD path`, without ids. */
  const asked = (name: string, method: string, path: RegExp): number =>
    microsoft.requests().filter((each) => each.account === emailOf(name) && each.method === method && path.test(each.path)).length;
  const readings = (name: string): number => asked(name, 'GET', /calendarView/);

  it('sync-rule 13: is asked for after a handshake, and read when it is told, in one notification of many or alone', async () => {
    const told = await watched('told');
    expect(await tools.mode(told, told.calendarId)).toEqual(PUSHED);
    const questions = relay.passed.filter(({ path }) => path.includes('validationToken'));
    expect(new Set(questions.map(({ path, status }) => `${path.split('?')[0] ?? ''} ${status ?? ''}`))).toEqual(
      new Set(['/v1/webhooks/microsoft 200', '/v1/webhooks/microsoft/lifecycle 200']),
    );
    for (const title of ['first', 'second', 'third']) change('told', title);
    await sees(told, 'third');
    await tools.quiet(told);
    // Repeated, and forged by somebody who knows the subscription and not its secret.
    const genuine = relay.passed.findLast(({ body }) => body.includes('changeType'))?.body ?? '';
    const post = (body: string) =>
      fetch(`${service.url}/v1/webhooks/microsoft`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect((await post(genuine)).status).toBe(204);
    await tools.quiet(told);
    const before = readings('told');
    expect((await post(genuine.replace(/("clientState":"[^".]+[.])[^"]+/g, `$1${'x'.repeat(43)}`))).status).toBe(404);
    await tools.quiet(told);
    expect(readings('told')).toBe(before);
    expect(service.output()).not.toContain(/"clientState":"[^".]+[.]([^"]+)/.exec(genuine)?.[1] ?? 'no secret');
  });

  it('sync-rule 10, 33: comes by the same subscription, renewed once 80 % of its life are over, and after a restart', async () => {
    const renewed = await watched('renewed');
    const [subscription, ...others] = subscriptionsOf('renewed');
    expect(others).toEqual([]);
    const [channel] = await tools.channels(renewed);
    expect(channel?.remote).toBe(subscription);
    expect(channel?.renewed_at_share).toBeGreaterThanOrEqual(0.74);
    expect(channel?.renewed_at_share).toBeLessThanOrEqual(0.8);
    await service.rows('update watch_channel set renew_at = now() where calendar_id = $1', [renewed.calendarId]);
    await tools.tend(renewed);
    expect([asked('renewed', 'PATCH', /subscriptions/), subscriptionsOf('renewed')]).toEqual([1, [subscription]]);
    await service.halt();
    await service.restart();
    change('renewed', 'after the restart');
    await sees(renewed, 'after the restart');
    await tools.tend(renewed);
    expect([asked('renewed', 'POST', /subscriptions/), subscriptionsOf('renewed')]).toEqual([1, [subscription]]);
  });

  it('sync-rule 11: is read at once when Microsoft says that it has missed some', async () => {
    const missed = await watched('missed');
    microsoft.switchOn({ fault: 'push-lost', account: emailOf('missed'), times: 1 });
    change('missed', 'told to none');
    microsoft.act({ action: 'lifecycle', account: emailOf('missed'), event: 'missed' });
    await sees(missed, 'told to none');
    expect(subscriptionsOf('missed')).toHaveLength(1);
  });

  it('sync-rule 14: comes by a new subscription when one was removed, and is read meanwhile', async () => {
    const removed = await watched('removed');
    const [before] = subscriptionsOf('removed');
    microsoft.act({ action: 'lifecycle', account: emailOf('removed'), event: 'subscriptionRemoved' });
    await eventually('another was opened', () => subscriptionsOf('removed').some((id) => id !== before));
    await eventually('it is relied on', async () => (await tools.channels(removed)).every(({ remote }) => remote !== before));
    await tools.quiet(removed);
    change('removed', 'by the new one');
    await sees(removed, 'by the new one');
    expect([await tools.mode(removed, removed.calendarId), subscriptionsOf('removed').length]).toEqual([PUSHED, 1]);
  });

  it('sync-rule 14: goes on after Microsoft has asked for a new authorization, which a renewal is', async () => {
    const person = await watched('asked');
    const before = subscriptionsOf('asked');
    microsoft.act({ action: 'lifecycle', account: emailOf('asked'), event: 'reauthorizationRequired' });
    await eventually('it was renewed', () => asked('asked', 'PATCH', /subscriptions/) === 1);
    change('asked', 'after the renewal');
    await sees(person, 'after the renewal');
    expect(subscriptionsOf('asked')).toEqual(before);
  });

  it('sync-rule 27: is polled for, and healthy, in a calendar that somebody else shares, and asked for once', async () => {
    const { person, view } = await linked('shared');
    const [team] = view.calendars.filter(({ name }) => name === 'Team');
    const calendarId = team?.calendarId ?? '';
    await eventually('it was asked for', async () => (await tools.mode(person, calendarId)).code === 'push.refused');
    expect(await tools.mode(person, calendarId)).toMatchObject({ mode: 'polled', reason: expect.stringContaining('every few minutes') });
    expect((await person.view(view.connectionId)).status).toBe('connected');
    const own = view.calendars.find(({ name }) => name !== 'Team')?.calendarId ?? '';
    await eventually('its own is watched', async () => (await tools.mode(person, own)).mode === 'pushed');
    const [row] = await service.rows<{ rarely: boolean }>(
      `select due_at > now() + interval '5 days' as rarely from watch_state where calendar_id = $1`,
      [calendarId],
    );
    expect([row?.rarely, asked('shared', 'POST', /subscriptions/)]).toEqual([true, 2]);
  });

  it('sync-rule 12: is refused once the connection is revoked, whose subscription is removed', async () => {
    const revoked = await watched('revoked');
    change('revoked', 'before');
    await sees(revoked, 'before');
    const genuine = relay.passed.findLast(({ body }) => body.includes('changeType'))?.body ?? '';
    expect((await revoked.request('DELETE', `/v1/calendar/connections/${revoked.connectionId}`)).status).toBe(202);
    await eventually('its subscription is removed', () => subscriptionsOf('revoked').length === 0);
    await eventually('nothing of it is left', async () => {
      const left = await service.rows('select 1 from watch_channel where connection_id = $1', [revoked.connectionId]);
      return left.length === 0;
    });
    const before = readings('revoked');
    const zombie = await fetch(`${service.url}/v1/webhooks/microsoft`, {
      method: 'POST',
      body: genuine,
      headers: { 'content-type': 'application/json' },
    });
    expect([zombie.status, readings('revoked'), await revoked.shown()]).toEqual([404, before, []]);
  });
});
