import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CalendarProvider, ProviderFault } from '../../src/provider/calendar-provider.js';
import { type Answer, type OAuth, OAuthRefused } from '../../src/provider/oauth.js';
import { memoryAccount } from './builders.js';

/** What a person does on the vendor's page. */
export type Consent = Readonly<{ account?: string; scopes?: readonly string[]; deny?: boolean; issuer?: string }>;

/** A vendor with an authorization server of its own: codes are good once, for the verifier and the redirect address they were asked with. */
export type Vendor = Readonly<{
  url: string;
  provider: CalendarProvider;
  /** What a browser does at an authorization address: answers where the vendor sends it back to. */
  visit: (authorizationUrl: string, consent?: Consent) => string;
  /** The next so many exchanges are not answered. */
  hangUp: (times: number) => void;
  /** Exchanges are answered when this has come to pass. */
  hold: (until: Promise<unknown>) => void;
  exchanges: () => number;
  stop: () => Promise<void>;
}>;

type Code = Readonly<{ account: string; scopes: readonly string[]; challenge: string; redirectUri: string }>;

const CALENDAR = {
  remoteId: 'work',
  address: 'work',
  name: 'Work',
  color: null,
  writable: true,
  busyOnly: false,
  timeZone: 'Europe/Paris',
};

const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** The adapter: what one of a real vendor does, as shortly as it can be said. */
const oauthOf = (vendorUrl: string): OAuth => ({
  authorizationUrl: ({ access, redirectUri, state, verifier, loginHint }) => {
    const scope = access === 'write' ? 'read write' : 'read';
    const query = { response_type: 'code', redirect_uri: redirectUri, state, scope, code_challenge: challengeOf(verifier) };
    return `${vendorUrl}authorize?${new URLSearchParams({ ...query, ...(loginHint === null ? {} : { login_hint: loginHint }) }).toString()}`;
  },
  complete: async ({ parameters, redirectUri, state, verifier }: Answer) => {
    if (parameters.get('iss') !== vendorUrl) throw new OAuthRefused('oauth.failed', 'The answer came from another service.');
    if (parameters.get('state') !== state) throw new OAuthRefused('oauth.failed', 'The answer belongs to another attempt.');
    if (parameters.has('error')) throw new OAuthRefused('oauth.denied', 'You declined.');
    const body = new URLSearchParams({ code: parameters.get('code') ?? '', redirect_uri: redirectUri, code_verifier: verifier });
    const answer = await fetch(`${vendorUrl}token`, { method: 'POST', body }).catch(() => null);
    if (answer === null) throw new ProviderFault('unavailable', 'the vendor cannot be reached');
    if (!answer.ok) throw new OAuthRefused('oauth.failed', 'The vendor does not know this code.');
    const { account, scopes } = (await answer.json()) as Pick<Code, 'account' | 'scopes'>;
    if (!scopes.includes('read')) throw new OAuthRefused('oauth.scope-missing', 'Reading was not granted.');
    const secret = {
      accessToken: randomUUID(),
      refreshToken: randomUUID(),
      expiresAt: '2100-01-01T00:00:00.000Z',
      scope: scopes.join(' '),
    };
    return { secret, accountId: account, accountName: account, scopes, access: scopes.includes('write') ? 'write' : 'read' };
  },
  refresh: (secret) => Promise.resolve(secret),
});

export const startVendor = async (): Promise<Vendor> => {
  const codes = new Map<string, Code>();
  let [hanging, exchanges] = [0, 0];
  let held: Promise<unknown> = Promise.resolve();
  const exchange = async (request: IncomingMessage): Promise<Code | null> => {
    const form = new URLSearchParams(await text(request));
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const isRight = code?.challenge === challengeOf(form.get('code_verifier') ?? '') && code.redirectUri === form.get('redirect_uri');
    return code !== undefined && isRight ? code : null;
  };
  const server = createServer((request, response) => {
    exchanges += 1;
    if (hanging > 0) {
      hanging -= 1;
      request.socket.destroy();
      return;
    }
    void Promise.all([exchange(request), held]).then(([code]) =>
      response.writeHead(code === null ? 400 : 200).end(JSON.stringify(code ?? { error: 'invalid_grant' })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    provider: {
      ...memoryAccount().provider,
      oauth: oauthOf(url),
      discover: () => Promise.resolve({ accountId: 'ada@vendor.example', accountName: 'ada@vendor.example', calendars: [CALENDAR] }),
    },
    visit: (authorizationUrl, { account = 'ada@vendor.example', scopes, deny = false, issuer = url } = {}) => {
      const asked = new URL(authorizationUrl).searchParams;
      const [redirectUri, state] = [asked.get('redirect_uri') ?? '', asked.get('state') ?? ''];
      const code = randomUUID();
      const granted = scopes ?? (asked.get('scope') ?? '').split(' ');
      codes.set(code, { account, scopes: granted, challenge: asked.get('code_challenge') ?? '', redirectUri });
      return `${redirectUri}?${new URLSearchParams({ state, iss: issuer, ...(deny ? { error: 'access_denied' } : { code }) }).toString()}`;
    },
    hangUp: (times) => {
      hanging = times;
    },
    hold: (until) => {
      held = until;
    },
    exchanges: () => exchanges,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
