import { Refused } from '../kernel/refused.js';

/** Where the outside reaches the service, and which web apps people may be sent back to. */
export type Addresses = Readonly<{
  /** Without a slash at the end; null: it is not set, and this machine alone reaches the service. */
  publicUrl: string | null;
  /** Origins of web apps. */
  origins: readonly string[];
}>;

/** DI token of the `Addresses`. */
export const ADDRESSES = Symbol('Addresses');

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** The request that begins an attempt, as far as it says how its sender reaches the service. `host`: the Host header. */
export type Reached = Readonly<{ host: string | undefined; secure: boolean; port: number }>;

/**
 * The address that vendors send people back to, without a slash at the end. Without `PUBLIC_URL` it is on this machine, under the name the sender
 * used for it, because a browser sends the cookie of `localhost` to no other name. A name that is not this machine's is not believed.
 */
export const baseOf = ({ publicUrl }: Pick<Addresses, 'publicUrl'>, { host, secure, port }: Reached): string => {
  if (publicUrl !== null) return publicUrl;
  const named = host !== undefined && LOOPBACK.test(host) ? host : `127.0.0.1:${port}`;
  return `${secure ? 'https' : 'http'}://${named}`;
};

const refused = (): Refused =>
  new Refused(
    'connection.return-refused',
    422,
    'People are sent back to web apps this service knows only: "returnTo" must be an address of PUBLIC_URL or of an origin in CORS_ORIGINS.',
  );

/**
 * The address a person is sent back to, written as browsers read it. Throws `connection.return-refused` (422) for any other origin than those of
 * web apps and of the service's own `base`; an address with a user name in it is refused, because it reads as another host than it names.
 */
export const returnAddress = (returnTo: string | undefined, origins: readonly string[], base: string): string | null => {
  if (returnTo === undefined) return null;
  if (!URL.canParse(returnTo)) throw refused();
  const { protocol, origin, username, password, href } = new URL(returnTo);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') throw refused();
  if (![...origins, new URL(base).origin].includes(origin)) throw refused();
  return href;
};

/** The address with what became of the attempt in its query, instead of what an earlier attempt left there. */
export const withOutcome = (returnTo: string, outcome: Readonly<Record<string, string>>): string => {
  const url = new URL(returnTo);
  for (const name of ['connected', 'error', 'pending', 'confirm', 'signed-in']) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(outcome)) url.searchParams.set(name, value);
  return url.href;
};
