import { type Clock } from '../../kernel/clock.js';
import { type Switchboard } from '../switchboard.js';

/** Somebody made up with an account. */
export type ApplePerson = Readonly<{ email: string; fullName: string }>;

/** The application that people sign in to. `publicKey`: PEM of the key whose id is `keyId`. A form goes to an address of this list, or to this machine. */
export type AppleClient = Readonly<{
  clientId: string;
  teamId: string;
  keyId: string;
  publicKey: string;
  redirectUris: readonly string[];
}>;

/** What somebody agreed to. `hidesEmail`: the client gets an address that forwards. */
export type SignedIn = Readonly<{ person: ApplePerson; hidesEmail: boolean; asksEmail: boolean; nonce: string | null }>;

/** A code, good once, and for whom. */
export type Code = SignedIn & Readonly<{ redirectUri: string; expiresAt: number }>;

type Ordered<N extends string> = Readonly<{ fault: N; on: 'token' | 'revoke'; times: number | null }>;

/** What Apple does on its bad days: `unavailable` 503, `client-refused` the client is not known any more. */
export type AppleFault = Ordered<'unavailable'> | Ordered<'client-refused'>;

export type AppleWorld = Readonly<{
  faults: Switchboard<AppleFault, AppleFault['on']>;
  clock: Clock;
  origin: () => string;
  client: AppleClient;
  people: readonly ApplePerson[];
  /** Codes that were not exchanged yet. */
  codes: Map<string, Code>;
  /** Refresh tokens that are good, with whose they are. */
  tokens: Map<string, string>;
}>;
