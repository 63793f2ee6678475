import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { type SettingsView } from '../../src/preference/settings.contract.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { type Service, startService } from '../support/service.js';

/** Debian's; `npm test` installs it as root, and says what to install otherwise. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const launch = async (): Promise<Browser & Readonly<{ stop: () => Promise<void> }>> => {
  if (!existsSync(CHROMIUM)) throw new Error('There is no browser: apt-get install chromium, or set CHROMIUM to its path');
  // Root may start it without its sandbox only.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  return Object.assign(browser, { stop: () => browser.close() });
};

/** A web app at an address of its own. */
const startApp = async () => {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>App</title>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
};

/** `npm run week` of the user “me”. */
const week = async (api: string): Promise<string> => {
  const script = fileURLToPath(new URL('../../scripts/week.mjs', import.meta.url));
  return (await promisify(execFile)(process.execPath, [script], { env: { ...process.env, API: api } })).stdout;
};

/** Sends a request on the page of the API's document by its buttons; answers what the page then shows. */
const tryOut = async <T>(page: Page, operation: string, body: unknown): Promise<T> => {
  const block = page.locator(`[id$="-${operation}"]`);
  const [start, text] = [block.getByRole('button', { name: 'Try it out' }), block.locator('textarea')];
  if (!(await text.isVisible())) {
    await block.locator('.opblock-summary-control').click();
    await start.click();
  }
  await text.fill(JSON.stringify(body));
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await block.getByRole('button', { name: 'Execute' }).click();
  await answered;
  const code = block.locator('.live-responses-table .response .highlight-code code').first();
  return JSON.parse((await code.textContent()) ?? '') as T;
};

const CONNECTIONS = '/v1/calendar/connections';
const MIA = 'mia@work.example';
const NOAH = 'noah@work.example';

type Redirect = Readonly<{ connectionId: string; authorizationUrl: string }>;
type Asked<T> = Readonly<{ status: number; body: T }>;

/** A person at a browser: requests are made from a page of the service's own address, as a web app of that address makes them. */
type Person = Readonly<{ page: Page; ask: <T>(method: string, path: string, body?: unknown) => Promise<Asked<T>> }>;

describe('In a browser, an account', () => {
  const opened = suiteResources();
  const atEnd = testEndings();
  let browser: Browser;
  let service: Service;
  let app: Readonly<{ origin: string }>;
  let people = 0;

  beforeAll(async () => {
    browser = await opened(launch());
    app = await opened(startApp());
    service = await opened(startService({ PROVIDERS: 'sandbox', CORS_ORIGINS: app.origin }));
  });

  const tab = async (viewport = { width: 1280, height: 800 }): Promise<Page> => {
    const context: BrowserContext = await browser.newContext({ viewport });
    atEnd(() => context.close());
    return context.newPage();
  };

  const someone = async (): Promise<Person> => {
    people += 1;
    const token = await service.token(`person-${people}`);
    const page = await tab();
    // Requests are made from the page of the API's document, and what draws it would be loaded each time for nothing.
    await page.route(/\/docs\/.*\.(?:js|css|png)$/, (route) => route.abort());
    const ask = async <T>(method: string, path: string, body: unknown = null): Promise<Asked<T>> => {
      // The one page of ours from which requests may be made.
      if (!page.url().startsWith(`${service.url}/docs`)) await page.goto(`${service.url}/docs`, { waitUntil: 'commit' });
      const asked = { url: service.url + path, method, token, text: body === null ? null : JSON.stringify(body) };
      return page.evaluate(async ({ url, method: verb, token: bearer, text }) => {
        const headers = { authorization: `Bearer ${bearer}`, ...(text === null ? {} : { 'content-type': 'application/json' }) };
        const answer = await fetch(url, { method: verb, headers, ...(text === null ? {} : { body: text }) });
        return { status: answer.status, body: (await answer.json()) as T };
      }, asked);
    };
    return { page, ask };
  };

  const begin = async ({ page, ask }: Person, more: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    const { status, body } = await ask<Redirect>('POST', CONNECTIONS, { provider: 'google', consent: true, ...more });
    expect(status).toBe(201);
    await page.goto(body.authorizationUrl);
    return body.connectionId;
  };
  const decide = async (page: Page, account: string, decision: 'Allow' | 'Deny', unticked: readonly RegExp[] = []): Promise<void> => {
    await page.locator(`input[value="${account}"]`).check();
    for (const scope of unticked) await page.getByRole('checkbox', { name: scope }).uncheck();
    await page.getByRole('button', { name: decision }).click();
  };
  const heading = (page: Page): Promise<string | null> => page.getByRole('heading', { level: 1 }).textContent();
  const seen = async ({ ask }: Person, id: string): Promise<Asked<ConnectionView>> => ask('GET', `${CONNECTIONS}/${id}`);
  const connected = async (person: Person, account = MIA): Promise<string> => {
    const id = await begin(person);
    await decide(person.page, account, 'Allow');
    expect(await heading(person.page)).toContain('Your Google Calendar account is connected');
    return id;
  };

  it('of each kind is linked by what a newcomer clicks on, on a telephone too, and all are one week then', async () => {
    const [docs, me] = [await tab(), await service.as('me')];
    await docs.goto(`${service.url}/docs`);
    const { token } = await tryOut<{ token: string }>(docs, 'issueDevToken', { userId: 'me' });
    await docs.locator('.btn.authorize').click();
    await docs.getByLabel('auth-bearer-value').fill(token);
    await docs.locator('.auth-btn-wrapper .authorize').click();
    await docs.locator('.auth-btn-wrapper .btn-done').click();
    const connections = async () => (await me.request<{ items: readonly ConnectionView[] }>('GET', CONNECTIONS)).body.items;
    const agree = async (provider: string, account: string, button: string): Promise<string | null> => {
      const { connectionId, authorizationUrl } = await tryOut<Redirect>(docs, 'connectConnection', { provider, consent: true });
      expect((await me.request<ConnectionView>('GET', `${CONNECTIONS}/${connectionId}`)).body.status).toBe('pending');
      const page = await docs.context().newPage();
      await page.setViewportSize({ width: 390, height: 844 });
      const fits = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
      await page.goto(authorizationUrl);
      expect([await fits(), await heading(page)]).toEqual([true, expect.stringContaining('Juy Calendar (sandbox)')]);
      await page.locator(`input[value="${account}"]`).check();
      await page.getByRole('button', { name: button }).click();
      expect(await fits()).toBe(true);
      return heading(page);
    };
    expect(await agree('google', MIA, 'Allow')).toContain('Your Google Calendar account is connected');
    expect(await agree('microsoft', 'mia@school.example', 'Accept')).toContain('Your Outlook / Microsoft 365 account is connected');
    const credentials = {
      serverUrl: /Sandbox, made-up accounts: (\S+)/.exec(service.output())?.[1],
      ...{ username: 'mia@home.example', password: 'sandbox' },
    };
    const caldav = await tryOut<ConnectionView>(docs, 'connectConnection', { provider: 'caldav', consent: true, credentials });
    expect(caldav).toMatchObject({ provider: 'caldav', account: 'mia@home.example' });
    await me.settled();
    const google = (await connections()).find(({ provider }) => provider === 'google');
    expect(google).toMatchObject({ account: MIA, access: 'read' });
    expect(google?.calendars.map(({ name }) => name)).toEqual(expect.arrayContaining(['Work', 'Team (shared by Ivy)']));
    const shown = await week(service.url);
    expect(shown).toContain('All 9 calendars are fresh');
    expect(shown).toMatch(/Sprint planning +. (Work +also in Team|Team \(shared by Ivy\) +also in Work)/);
  });

  it('is brought back to the web app that began', async () => {
    const mia = await someone();
    const id = await begin(mia, { returnTo: `${app.origin}/calendars?from=juy` });
    await decide(mia.page, MIA, 'Allow');
    await mia.page.waitForURL(`${app.origin}/calendars?from=juy&connected=${id}`);
  });

  it('is connected for reading when the box for writing is unticked', async () => {
    const mia = await someone();
    const id = await begin(mia, { access: 'write' });
    await decide(mia.page, MIA, 'Allow', [/calendar\.events$/]);
    expect(await mia.page.locator('main').textContent()).toContain('You granted reading only');
    expect((await seen(mia, id)).body.access).toBe('read');
  });

  it('is not connected when a box is unticked that reading needs', async () => {
    const mia = await someone();
    const id = await begin(mia);
    // What an account has granted before counts too, as at Google: Noah has granted nothing yet.
    await decide(mia.page, NOAH, 'Allow', [/calendarlist/]);
    expect(await heading(mia.page)).not.toContain('is connected');
    expect(await mia.page.locator('code').first().textContent()).toBe('oauth.scope-missing');
    expect((await seen(mia, id)).status).toBe(404);
  });

  it('is not connected when its person denies', async () => {
    const mia = await someone();
    const id = await begin(mia);
    await decide(mia.page, MIA, 'Deny');
    expect(await heading(mia.page)).toContain('You declined, and nothing was connected');
    expect((await seen(mia, id)).status).toBe(404);
  });

  it('is connected again in place, and no other in its stead', async () => {
    const mia = await someone();
    const id = await connected(mia);
    const again = async (account: string): Promise<void> => {
      const { body } = await mia.ask<Redirect>('POST', `${CONNECTIONS}/${id}/reconnect`, {});
      await mia.page.goto(body.authorizationUrl);
      await decide(mia.page, account, 'Allow');
    };
    await again(NOAH);
    expect(await heading(mia.page)).toContain('That was another account');
    await again(MIA);
    expect(await heading(mia.page)).toContain('is connected again');
    expect((await seen(mia, id)).body).toMatchObject({ connectionId: id, account: MIA });
  });

  it('may be written to after its person turns writing on and grants it', async () => {
    const mia = await someone();
    const id = await connected(mia);
    const calendarId = (await seen(mia, id)).body.calendars.find(({ writable }) => writable)?.calendarId ?? '';
    const toggle = () =>
      mia.ask<SettingsView & { authorizationUrl: string }>('PATCH', '/v1/calendar/settings', {
        calendars: [{ calendarId, mode: 'write' }],
      });
    const { status, body } = await toggle();
    expect([status, body]).toMatchObject([409, { code: 'calendar.scope-missing' }]);
    await mia.page.goto(body.authorizationUrl);
    await decide(mia.page, MIA, 'Allow');
    expect(await heading(mia.page)).toContain('may be written to now');
    expect((await toggle()).status).toBe(200);
    expect((await seen(mia, id)).body.access).toBe('write');
  });

  it('of a person who was lured to another’s sign-in is not connected to the one who lured them', async () => {
    const [mallory, mia] = [await someone(), await someone()];
    const { body } = await mallory.ask<Redirect>('POST', CONNECTIONS, { provider: 'google', consent: true });
    await mia.page.goto(body.authorizationUrl);
    await decide(mia.page, MIA, 'Allow');
    expect(await heading(mia.page)).toContain('One more step: confirm in Juy');
    expect((await seen(mallory, body.connectionId)).body).toMatchObject({ status: 'pending', account: null });
  });

  it('is told what happened on a page that is styled, and complains about nothing', async () => {
    const mia = await someone();
    const complaints: string[] = [];
    await begin(mia);
    mia.page.on('console', (message) => complaints.push(message.text()));
    mia.page.on('pageerror', (error) => complaints.push(error.message));
    await decide(mia.page, NOAH, 'Allow');
    expect(await mia.page.evaluate(`getComputedStyle(document.querySelector('main')).borderRadius`)).toBe('12px');
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });

  it('of Apple is connected by signing in on a page of another site, and then by a password that is tried at once', async () => {
    const mia = await someone();
    const { body } = await mia.ask<Redirect>('POST', CONNECTIONS, { provider: 'apple', consent: true });
    // Another site than this service's, so that the form which leads back brings no cookie by itself.
    expect([new URL(body.authorizationUrl).hostname, new URL(service.url).hostname]).toEqual(['localhost', '127.0.0.1']);
    await mia.page.goto(body.authorizationUrl);
    await mia.page.locator(`input[value="${NOAH}"]`).check();
    await mia.page.getByRole('button', { name: 'Continue' }).click();
    await mia.page.waitForURL(`${service.url}/v1/calendar/oauth/apple/callback**`);
    expect(await heading(mia.page)).toContain('One more step: a password for Apple iCloud');
    expect((await mia.page.content()).includes('confirm in Juy')).toBe(false);
    const give = async (password: string): Promise<void> => {
      await mia.page.getByLabel('App-specific password').fill(password);
      await mia.page.getByRole('button', { name: 'Connect the calendars' }).click();
    };
    await give('not-the-right-one');
    expect(await mia.page.getByRole('alert').textContent()).toContain('app-specific password');
    await give('sandbox');
    expect(await heading(mia.page)).toContain('Your Apple iCloud account is connected');
    expect((await seen(mia, body.connectionId)).body).toMatchObject({ provider: 'apple', account: NOAH, calendars: [{ name: 'Work' }] });
  });
});
