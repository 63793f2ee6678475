import { type Clock, MINUTE, SECOND } from '../../kernel/clock.js';

/** What a code was given for. */
export type Consent = Readonly<{
  account: string;
  scopes: readonly string[];
  redirectUri: string;
  /** S256 of the verifier, the verifier itself, or none asked for (RFC 7636). */
  challenge: Readonly<{ value: string; method: 'S256' | 'plain' }> | null;
  nonce: string | null;
  /** A refresh token comes with the first answer. */
  offline: boolean;
}>;

/** Whose a token is, and what it opens. */
export type Held = Readonly<{ account: string; scopes: readonly string[] }>;

export type Access = Held & Readonly<{ expiresAt: number }>;

/** What people have let the one client do. */
export type Grants = Readonly<{
  /** A code for a consent, good once and for ten minutes. */
  code: (consent: Consent) => string;
  /** The consent of a code, which is used up by this. */
  redeem: (code: string) => Consent | null;
  /** Everything a person has ever consented to and not revoked. */
  granted: (account: string) => readonly string[];
  access: (held: Held) => Readonly<{ token: string; seconds: number }>;
  refreshToken: (held: Held) => string;
  /** Null when the token is unknown, expired or revoked. */
  byAccess: (token: string) => Access | null;
  byRefresh: (token: string) => Held | null;
  hasRefreshToken: (account: string) => boolean;
  endRefreshToken: (token: string) => void;
  /** Ends the whole grant of the person a token belongs to; false when it belongs to no person. */
  revokeToken: (token: string) => boolean;
  revoke: (account: string) => void;
  expireAccess: (account: string | null) => void;
}>;

/** How refresh tokens outlive the simulator: they carry what they open, sealed. */
export type Seal = Readonly<{
  close: (held: Held) => string;
  /** Null for a text that was not sealed with the same key. */
  open: (token: string) => Held | null;
  /** Text that cannot be guessed, and is never the same twice. */
  random: () => string;
}>;

/** What codes and access tokens of a vendor begin with. */
export type Prefixes = Readonly<{ code: string; access: string }>;

const CODE_LIFE = 10 * MINUTE;
const ACCESS_SECONDS = 3_599;
/** The oldest refresh token of an account dies without a word when it gets one more than these. */
const MOST_REFRESH_TOKENS = 100;

/** `ended`: refresh tokens that died, and people whose tokens of an earlier start did. */
type Book = Readonly<{
  codes: Map<string, Readonly<{ consent: Consent; expiresAt: number }>>;
  accesses: Map<string, Access>;
  refreshes: Map<string, Held>;
  scopes: Map<string, readonly string[]>;
  ended: Set<string>;
}>;

const tokensOf = (tokens: ReadonlyMap<string, Held>, account: string | null): readonly string[] =>
  [...tokens].filter(([, held]) => account === null || held.account === account).map(([token]) => token);

const endRefresh = ({ refreshes, ended }: Book, tokens: readonly string[]): void => {
  for (const token of tokens) {
    refreshes.delete(token);
    ended.add(token);
  }
};

const expire = ({ accesses }: Book, account: string | null): void => {
  for (const token of tokensOf(accesses, account)) accesses.delete(token);
};

const revoke = (book: Book, account: string): void => {
  expire(book, account);
  endRefresh(book, tokensOf(book.refreshes, account));
  for (const [code, { consent }] of book.codes) if (consent.account === account) book.codes.delete(code);
  book.scopes.delete(account);
  book.ended.add(account);
};

const consents = (
  { codes, scopes }: Book,
  { now }: Clock,
  { random }: Seal,
  prefix: string,
): Pick<Grants, 'code' | 'redeem' | 'granted'> => ({
  code: (consent) => {
    const code = prefix + random();
    codes.set(code, { consent, expiresAt: now() + CODE_LIFE });
    scopes.set(consent.account, [...new Set([...(scopes.get(consent.account) ?? []), ...consent.scopes])]);
    return code;
  },
  redeem: (code) => {
    const found = codes.get(code);
    codes.delete(code);
    return found === undefined || found.expiresAt <= now() ? null : found.consent;
  },
  granted: (account) => scopes.get(account) ?? [],
});

const tokens = (
  book: Book,
  { now }: Clock,
  seal: Seal,
  prefix: string,
): Pick<Grants, 'access' | 'refreshToken' | 'byAccess' | 'byRefresh' | 'hasRefreshToken' | 'endRefreshToken'> => {
  const { accesses, refreshes, ended } = book;
  const ofEarlierStart = (token: string): Held | null => {
    const held = ended.has(token) ? null : seal.open(token);
    return held === null || ended.has(held.account) ? null : held;
  };
  return {
    access: (held) => {
      const token = prefix + seal.random();
      accesses.set(token, { ...held, expiresAt: now() + ACCESS_SECONDS * SECOND });
      return { token, seconds: ACCESS_SECONDS };
    },
    refreshToken: (held) => {
      const token = seal.close(held);
      refreshes.set(token, held);
      const live = tokensOf(refreshes, held.account);
      endRefresh(book, live.slice(0, Math.max(0, live.length - MOST_REFRESH_TOKENS)));
      return token;
    },
    byAccess: (token) => {
      const access = accesses.get(token);
      return access === undefined || access.expiresAt <= now() ? null : access;
    },
    byRefresh: (token) => refreshes.get(token) ?? ofEarlierStart(token),
    hasRefreshToken: (account) => tokensOf(refreshes, account).length > 0,
    endRefreshToken: (token) => {
      endRefresh(book, [token]);
    },
  };
};

/** The grants of one start; refresh tokens of an earlier start are good while the seal is the same. */
export const grantsOf = (clock: Clock, seal: Seal, { code, access }: Prefixes): Grants => {
  const book: Book = { codes: new Map(), accesses: new Map(), refreshes: new Map(), scopes: new Map(), ended: new Set() };
  const held = tokens(book, clock, seal, access);
  return {
    ...consents(book, clock, seal, code),
    ...held,
    revokeToken: (token) => {
      const account = (held.byAccess(token) ?? held.byRefresh(token))?.account;
      if (account === undefined) return false;
      revoke(book, account);
      return true;
    },
    revoke: (account) => {
      revoke(book, account);
    },
    expireAccess: (account) => {
      expire(book, account);
    },
  };
};
