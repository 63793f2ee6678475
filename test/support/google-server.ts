import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { type GoogleSettings } from '../../src/provider/google/google-settings.js';
import { type Grant } from '../../src/provider/grant.js';

/** A request as it came; `form` and `body` of a POST. */
export type Asked = Readonly<{
  method: string;
  path: string;
  query: URLSearchParams;
  form: URLSearchParams;
  body: string;
  authorization: string | null;
}>;

export type Reply = Readonly<{ status?: number; headers?: Readonly<Record<string, string>>; body?: unknown }>;

/** Something at Google's addresses that says what a test wants it to. A body that is text goes as it is, another as JSON. */
export type GoogleServer = Readonly<{ settings: GoogleSettings; asked: readonly Asked[]; stop: () => Promise<void> }>;

const bodyOf = async (incoming: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

/** `prefix`: path of the API before `/calendar/v3`. A reply of `null` breaks the connection. */
export const startGoogleServer = async (reply: (asked: Asked, count: number) => Reply | null, prefix = ''): Promise<GoogleServer> => {
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then((form) => {
      const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', 'http://localhost');
      const { method = '', headers } = incoming;
      const one = { method, path, query, form: new URLSearchParams(form), body: form, authorization: headers.authorization ?? null };
      const answer = reply(one, asked.push(one));
      if (answer === null) {
        incoming.socket.destroy();
        return;
      }
      const { status = 200, headers: more = {}, body = {} } = answer;
      const isText = typeof body === 'string';
      outgoing.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json; charset=UTF-8', ...more });
      outgoing.end(isText ? body : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    settings: {
      clientId: 'our-client',
      clientSecret: 'our-client-secret',
      authUrl: `${url}/o/oauth2/v2/auth`,
      tokenUrl: `${url}/token`,
      revokeUrl: `${url}/revoke`,
      apiUrl: `${url}${prefix}`,
    },
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export const SECRET = {
  accessToken: 'access-token-of-ada',
  refreshToken: 'refresh-token-of-ada',
  expiresAt: '2099-01-01T00:00:00.000Z',
  scope: 'openid email',
  subject: '1001',
  email: 'ada@example.org',
};

/** A grant whose renewals a test can count. */
export const renewing = (renewed: string | null = 'renewed-token-of-ada'): Grant & Readonly<{ renewals: string[] }> => {
  const renewals: string[] = [];
  let secret: Readonly<Record<string, string>> = SECRET;
  return {
    renewals,
    secret: () => Promise.resolve(secret),
    renew: (seen) => {
      renewals.push(seen['accessToken'] ?? '');
      secret = { ...SECRET, accessToken: renewed ?? SECRET.accessToken };
      return Promise.resolve(secret);
    },
  };
};

/** An error as Google writes one. */
export const googleError = (code: number, reason: string, message = reason): unknown => ({
  error: { errors: [{ domain: 'global', reason, message }], code, message },
});

/** A page of events as Google writes one. */
export const eventPage = (items: readonly unknown[], rest: Readonly<Record<string, unknown>> = {}): unknown => ({
  kind: 'calendar#events',
  etag: '"page"',
  summary: 'Work',
  updated: '2026-03-12T07:27:02.757Z',
  timeZone: 'Europe/Paris',
  accessRole: 'owner',
  defaultReminders: [],
  ...rest,
  items,
});

/** An event of an hour, as Google writes one. */
export const googleEvent = (id: string, change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  kind: 'calendar#event',
  etag: `"${id}-1"`,
  id,
  status: 'confirmed',
  htmlLink: `https://www.google.com/calendar/event?eid=${id}`,
  created: '2026-03-12T07:26:41.000Z',
  updated: '2026-03-12T07:26:41.935Z',
  summary: `Event ${id}`,
  creator: { email: 'ada@example.org', self: true },
  organizer: { email: 'ada@example.org', self: true },
  start: { dateTime: '2026-03-20T09:00:00+01:00', timeZone: 'Europe/Paris' },
  end: { dateTime: '2026-03-20T10:00:00+01:00', timeZone: 'Europe/Paris' },
  iCalUID: `${id}@google.com`,
  sequence: 0,
  reminders: { useDefault: true },
  eventType: 'default',
  ...change,
});
