import { generateKeyPairSync } from 'node:crypto';
import { type Clock } from '../kernel/clock.js';
import { signInPages } from './apple/sign-in.pages.js';
import { answered, revokeAnswer, tokenAnswer } from './apple/token.endpoint.js';
import { type AppleFault, type ApplePerson, type AppleWorld } from './apple/world.js';
import { castOf } from './cast/cast.js';
import { idTokens } from './oauth/id-tokens.keys.js';
import { atOnce, type Delivery, serveSandbox } from './sandbox.http.js';
import { type SandboxRequest } from './exchange.js';
import { switchboard } from './switchboard.js';

export type AppleSandboxOptions = Readonly<{
  clock: Clock;
  /** Wanted; any free one when it is 0 or taken. */
  port: number;
  /** Instead of the made-up people. */
  people?: readonly ApplePerson[];
  /** Addresses beside those on this machine that people may be sent back to. */
  redirectUris?: readonly string[];
}>;

/** Apple's sign-in of our own, in memory: gone, with every sign-in, when it stops. */
export type AppleSandbox = Readonly<{
  /** Without a slash at the end. */
  origin: string;
  /** What the client at it proves itself with. `privateKey`: PEM, made at each start. */
  client: Readonly<{ clientId: string; teamId: string; keyId: string; privateKey: string }>;
  /** Whose refresh tokens are good. */
  signedIn: () => readonly string[];
  switchOn: (fault: AppleFault) => void;
  switchOff: () => void;
  stop: () => Promise<void>;
}>;

const CLIENT = { clientId: 'com.juy.sandbox', teamId: 'SANDBOX000', keyId: 'SANDBOXKEY' } as const;

const castPeople = (now: number): readonly ApplePerson[] =>
  castOf(now, 'UTC', 1).map(({ person }) => ({ email: person.email, fullName: person.name }));

const faultsOf = (): AppleWorld['faults'] => switchboard((fault, on) => fault.on === on);

/** Answers what is asked of Apple. */
const answering = (world: AppleWorld) => {
  const [pages, ids] = [signInPages(world), idTokens()];
  return async ({ method, url, body }: SandboxRequest): Promise<Delivery> => {
    const { pathname, searchParams } = URL.canParse(url, world.origin()) ? new URL(url, world.origin()) : new URL(world.origin());
    switch (`${method} ${pathname}`) {
      case 'GET /auth/authorize':
        return atOnce(pages.ask(searchParams));
      case 'POST /auth/decision':
        return atOnce(pages.decide(new URLSearchParams(body)));
      case 'POST /auth/token':
        return atOnce(await tokenAnswer(world, ids, new URLSearchParams(body)));
      case 'POST /auth/revoke':
        return atOnce(await revokeAnswer(world, new URLSearchParams(body)));
      case 'GET /auth/keys':
        return atOnce(answered(200, await ids.certificates()));
      default:
        return atOnce({ status: 404, headers: {}, body: '' });
    }
  };
};

/** Starts a simulator of Sign in with Apple on 127.0.0.1. */
export const startAppleSandbox = async ({ clock, port: wanted, people, redirectUris = [] }: AppleSandboxOptions): Promise<AppleSandbox> => {
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  let port = wanted;
  const origin = (): string => `http://localhost:${port}`;
  const client = { ...CLIENT, publicKey: keys.publicKey, redirectUris };
  const world: AppleWorld = {
    clock,
    faults: faultsOf(),
    origin,
    client,
    people: people ?? castPeople(clock.now()),
    codes: new Map(),
    tokens: new Map(),
  };
  const server = await serveSandbox(wanted, answering(world));
  port = server.port;
  const { clientId, teamId, keyId } = CLIENT;
  return {
    origin: origin(),
    client: { clientId, teamId, keyId, privateKey: keys.privateKey },
    signedIn: () => [...world.tokens.values()],
    switchOn: world.faults.add,
    switchOff: world.faults.clear,
    stop: server.close,
  };
};
