import { createHash } from 'node:crypto';
import { type Secret } from '../../kernel/vault.js';
import { type Lane } from '../budget.js';
import { ProviderFault } from '../calendar-provider.js';
import { type Authorization } from '../http/authorization.js';
import { canonicalSegment } from './hrefs.js';

/** An account as a secret describes it: where it is and how it is entered. */
export type CaldavAccount = Readonly<{
  /** As the user gave it, absolute. */
  serverUrl: string;
  username: string;
  credentials: Authorization;
  /**
   * The account among all there are, as far as its password opens it: requests that guess at the password of an account take nothing out of its
   * budget and wait for none of its requests.
   */
  lane: Lane;
}>;

/** What a kind of CalDAV service adds to the secret. */
export type Service = Readonly<{
  /** Taken when the secret names no server. */
  serverUrl: string | null;
  /** Hosts of this domain are one service: credentials given for one go to all (`icloud.com`). Null: the server's own origin only. */
  domain: string | null;
  /** Requests a minute that are made of an account at most. */
  aMinute: number;
}>;

const absolute = (address: string): string => (/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `https://${address}`);

/** Reads `{ serverUrl?, username, password }`. Throws `refused-address` for what is no address, `access-revoked` when something is missing. */
export const accountOf = (secret: Secret, service: Service): CaldavAccount => {
  const { username, password } = secret;
  if (username === undefined || password === undefined) throw new ProviderFault('access-revoked', 'user name or password is missing');
  const serverUrl = absolute(secret['serverUrl'] ?? service.serverUrl ?? '');
  if (!URL.canParse(serverUrl)) throw new ProviderFault('refused-address', 'the server address is not an address');
  const { origin } = new URL(serverUrl);
  const header = `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
  const entered = createHash('sha256').update(password).digest('hex');
  const lane = { account: `${origin} ${username} ${entered}`, aMinute: service.aMinute, atOnce: null };
  return { serverUrl, username, credentials: { header, origin, domain: service.domain }, lane };
};

/**
 * What an account goes by: the address of its principal as its server gives it, in one encoding and without empty segments. Letters are compared
 * as they are, because on many servers `/Ada/` and `/ada/` are two people. Without the host where many hosts are one service, which may move the
 * account from one to another.
 */
export const accountIdOf = (principal: string, { domain }: Service): string => {
  const { origin, pathname } = new URL(principal);
  const segments = pathname.split('/').filter((segment) => segment !== '');
  return [domain ?? origin, ...segments.map(canonicalSegment)].join('/');
};
