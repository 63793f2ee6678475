import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { type Asked, eventPage, googleEvent, type GoogleServer, type Reply, startGoogleServer } from '../support/google-server.js';
import { suiteResources } from '../support/opened.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const CONNECTIONS = '/v1/calendar/connections';
/** What every token here begins with, and nothing else does. */
const MARK = 'zqtokenxj';
const SCOPES = ['calendar.events.readonly', 'calendar.calendarlist.readonly'].map((name) => `https://www.googleapis.com/auth/${name}`);

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const idToken = (): string => {
  const seconds = Math.floor(Date.now() / 1_000);
  const who = { iss: 'https://accounts.google.com', aud: 'our-client', sub: '1001', email: 'ada@example.org', email_verified: true };
  return `${base64url({ alg: 'RS256', kid: '1' })}.${base64url({ ...who, iat: seconds, exp: seconds + 3_600 })}.c2ln`;
};

describe('The tokens of a Google account', () => {
  const opened = suiteResources();
  let google: GoogleServer;
  let service: Service;
  let me: Client;
  let connectionId: string;
  let trouble: Reply | null = null;

  /** Its tokens live for a minute, so that every piece of work renews them. */
  const reply = ({ path, form }: Asked, count: number): Reply => {
    if (path === '/token') {
      const isFirst = form.get('grant_type') === 'authorization_code';
      if (!isFirst && trouble !== null) return trouble;
      const first = { refresh_token: `${MARK}-refresh`, scope: `openid email ${SCOPES.join(' ')}`, id_token: idToken() };
      return { body: { access_token: `${MARK}-access-${count}`, expires_in: 60, token_type: 'Bearer', ...(isFirst ? first : {}) } };
    }
    if (path.endsWith('/calendarList'))
      return { body: { items: [{ id: 'ada@example.org', summary: 'Ada', accessRole: 'owner', timeZone: 'UTC', primary: true }] } };
    return path.endsWith('/events') ? { body: eventPage([googleEvent('lunch')], { nextSyncToken: `sync-${count}` }) } : { body: {} };
  };

  const connect = async (): Promise<string> => {
    const { body, headers } = await me.request<{ connectionId: string; authorizationUrl: string }>('POST', CONNECTIONS, {
      provider: 'google',
      consent: true,
    });
    const asked = new URL(body.authorizationUrl).searchParams;
    const back = new URL(asked.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({ code: `${MARK}-code`, state: asked.get('state') ?? '', scope: SCOPES.join(' ') }).toString();
    const page = await fetch(back, { headers: { cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '' }, redirect: 'manual' });
    expect(page.status).toBe(200);
    return body.connectionId;
  };

  beforeAll(async () => {
    google = await opened(startGoogleServer(reply));
    const { authUrl, tokenUrl, revokeUrl, apiUrl } = google.settings;
    service = await opened(
      startService({
        ...{ LOG_LEVEL: 'debug', GOOGLE_CLIENT_ID: 'our-client', GOOGLE_CLIENT_SECRET: `${MARK}-client-secret` },
        ...{ GOOGLE_AUTH_URL: authUrl, GOOGLE_TOKEN_URL: tokenUrl, GOOGLE_REVOKE_URL: revokeUrl, GOOGLE_API_URL: apiUrl },
      }),
    );
    me = await service.as('person-of-this-test');
    connectionId = await connect();
    await me.settled();
  });

  const renewals = (): number => google.asked.filter(({ form }) => form.get('grant_type') === 'refresh_token').length;
  const view = async (): Promise<ConnectionView> => (await me.request<ConnectionView>('GET', `${CONNECTIONS}/${connectionId}`)).body;
  const due = () => service.rows('update sync_state set due_at = now(), last_success_at = null, fresh_until = null');
  const sights = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const entry of await readdir(service.dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      // A running database removes files while one looks.
      const bytes = await readFile(path).catch(() => Buffer.alloc(0));
      const forms = [MARK, Buffer.from(MARK).toString('hex')];
      if (forms.some((form) => bytes.includes(form))) found.push(relative(service.dataDir, path));
    }
    return found;
  };
  const expectNothing = async (): Promise<void> => {
    await service.rows('checkpoint');
    expect(await sights()).toEqual([]);
    expect(service.output().includes(MARK)).toBe(false);
    const metrics = await fetch(`${service.url}/metrics`);
    expect((await metrics.text()).includes(MARK)).toBe(false);
  };

  it('are renewed by work, and are in no file, log line or metric', async () => {
    expect(renewals()).toBeGreaterThan(0);
    expect(google.asked.some(({ authorization }) => authorization?.includes(`${MARK}-access`) === true)).toBe(true);
    await expectNothing();
  });

  it('sync-rule 14: are not to be renewed while the operator’s client is refused, which health says and no owner is asked about', async () => {
    trouble = { status: 401, body: { error: 'invalid_client', error_description: `${MARK} is unknown` } };
    await due();
    const health = await eventually('health says so', async () => {
      const answer = await fetch(`${service.url}/health/ready`);
      const text = await answer.text();
      return text.includes('GOOGLE_CLIENT_SECRET') ? { status: answer.status, body: JSON.parse(text) as unknown } : null;
    });
    expect(health).toMatchObject({ status: 200, body: { status: 'partial' } });
    expect((await eventually('its owner is told', async () => ((await view()).code === 'misconfigured' ? view() : null))).status).toBe(
      'failing',
    );
    trouble = null;
    await due();
    await eventually('health is well again', async () =>
      (await (await fetch(`${service.url}/health/ready`)).text()).includes('"status":"ok"'),
    );
    await eventually('its owner sees it as it was', async () => (await view()).code === null);
    await expectNothing();
  });

  it('sync-rule 14: are asked for again when Google ends the access, and leave nothing behind when the connection is revoked', async () => {
    trouble = { status: 400, body: { error: 'invalid_grant', error_description: `Token ${MARK} has been expired or revoked.` } };
    await due();
    const ended = await eventually('its owner is asked', async () => ((await view()).status === 'needs_reconnect' ? view() : null));
    expect(ended.reason).toContain('Google no longer accepts the access');
    expect((await me.request('DELETE', `${CONNECTIONS}/${connectionId}`)).status).toBe(202);
    await eventually('the grant was given back', () =>
      google.asked.some(({ path, form }) => path === '/revoke' && form.get('token') === `${MARK}-refresh`),
    );
    await eventually('no renewal is left', async () => (await service.rows('select 1 from grant_renewal')).length === 0);
    await expectNothing();
  });
});
