import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Secret } from '../../src/kernel/vault.js';
import { type CalendarProvider, type Fault, ProviderFault } from '../../src/provider/calendar-provider.js';
import { memoryAccount } from './builders.js';

/** How refresh tokens behave: `lasting` stay good, `rotating` are each good until the one that followed was used. */
export type Rotation = 'lasting' | 'rotating';

/** What the endpoint answers a request with, in place of tokens. */
type Trouble = Readonly<{ status: number; error: string; description?: string }>;

/** A token endpoint over HTTP (RFC 6749 6), of a vendor that is made up. */
export type TokenEndpoint = Readonly<{
  url: string;
  /** Refresh tokens it was asked to renew, in order. */
  asked: string[];
  /** Every token it ever gave. */
  given: string[];
  /** What its next answers are; the last is repeated until it is cleared. */
  troubles: Trouble[];
  /** Awaited before each answer. */
  hold: { until: () => Promise<unknown> };
  /** Tokens of an account that was just connected, good for so many milliseconds after `now`. */
  connect: (now: number, life?: number) => Secret;
  stop: () => Promise<void>;
}>;

const HOUR = 3_600_000;

export const startTokenEndpoint = async (rotation: Rotation = 'lasting'): Promise<TokenEndpoint> => {
  const [asked, given, troubles]: [string[], string[], Trouble[]] = [[], [], []];
  const hold = { until: (): Promise<unknown> => Promise.resolve() };
  /** Which refresh token followed which. */
  const good = new Map<string, string | null>();
  let count = 0;
  const fresh = (kind: 'access' | 'refresh'): string => {
    const token = `${kind}-token-${(count += 1)}-${Math.random().toString(36).slice(2)}`;
    given.push(token);
    if (kind === 'refresh') good.set(token, null);
    return token;
  };
  const answerTo = (token: string): readonly [status: number, body: unknown] => {
    const trouble = troubles.length > 1 ? troubles.shift() : troubles[0];
    if (trouble !== undefined) return [trouble.status, { error: trouble.error, error_description: trouble.description }];
    if (!good.has(token)) return [400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }];
    for (const [before, after] of good) if (after === token) good.delete(before);
    const next = rotation === 'rotating' ? fresh('refresh') : null;
    if (next !== null) good.set(token, next);
    return [200, { access_token: fresh('access'), expires_in: 3_600, ...(next === null ? {} : { refresh_token: next }) }];
  };
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      const token = new URLSearchParams(text).get('refresh_token') ?? '';
      asked.push(token);
      await hold.until();
      const [status, body] = answerTo(token);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    ...{ asked, given, troubles, hold },
    connect: (now, life = HOUR) => ({
      accessToken: fresh('access'),
      refreshToken: fresh('refresh'),
      expiresAt: new Date(now + life).toISOString(),
      scope: 'calendar.readonly',
    }),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'Token has been expired or revoked.': 'access-revoked',
  'not used': 'access-expired',
  'consent withdrawn': 'access-withdrawn',
  'sign-in frequency': 'access-policy',
};

/** What a vendor's adapter makes of the endpoint: refreshes over HTTP, in the words of the port. */
export const refreshAt =
  (url: string, now: () => number): NonNullable<CalendarProvider['oauth']>['refresh'] =>
  async (secret, { signal, permit }) => {
    await permit();
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: secret['refreshToken'] ?? '' });
    const response = await fetch(url, { method: 'POST', body, signal }).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      throw new ProviderFault(
        'unavailable',
        error instanceof TypeError ? 'the token endpoint cannot be reached' : 'the token endpoint failed',
      );
    });
    const answered = (await response.json()) as Readonly<Record<string, string | number | undefined>>;
    if (answered['error'] === 'invalid_grant')
      throw new ProviderFault(FAULTS[String(answered['error_description'])] ?? 'access-revoked', 'the vendor ended the access');
    if (answered['error'] === 'invalid_client') throw new ProviderFault('misconfigured', 'the vendor refuses the client secret');
    if (response.status === 429) throw new ProviderFault('throttled', 'too many requests', 30);
    if (!response.ok) throw new ProviderFault('unavailable', `the token endpoint answers ${response.status}`);
    return {
      ...secret,
      accessToken: String(answered['access_token']),
      refreshToken: String(answered['refresh_token'] ?? secret['refreshToken']),
      expiresAt: new Date(now() + Number(answered['expires_in']) * 1_000).toISOString(),
    };
  };

/** A calendar service in memory whose accounts are opened with tokens of the endpoint. */
export const tokenProvider = (endpoint: Pick<TokenEndpoint, 'url'>, now: () => number, account = memoryAccount()): CalendarProvider => ({
  ...account.provider,
  oauth: {
    authorizationUrl: () => endpoint.url,
    complete: () => Promise.reject(new Error('no account is connected here')),
    refresh: refreshAt(endpoint.url, now),
  },
  discover: async (grant, call) => {
    await grant.secret();
    return account.provider.discover(grant, call);
  },
});
