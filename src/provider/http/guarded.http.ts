import { type Readable } from 'node:stream';
import { Agent, type Dispatcher, request as send } from 'undici';
import { type Lane } from '../budget.js';
import { type Call, ProviderFault } from '../calendar-provider.js';
import { AddressRefused, guardedLookup, isOwnNetworkAddress, isPublicAddress, literalAddress } from './addresses.check.js';
import { decompressed, headerOf, limited, unpaused } from './answer.stream.js';
import { type Authorization, mayAuthorize } from './authorization.js';
import { DEFAULTS, type GuardedHttpOptions, type Settings } from './guarded.settings.js';
import { lanes } from './lanes.js';
import { admitted, rest, turn } from './request.turn.js';
import { retryAfterSeconds, retryDelay } from './retry.js';

/**
 * A request. GET, PROPFIND and REPORT only read, so that they are made again when they fail. The others are made once, because what they ask for may
 * have been done although the answer was lost, unless they are `repeatable`; they follow no redirect, because a body may hold secrets.
 */
export type GuardedRequest = Readonly<{
  method: 'GET' | 'PROPFIND' | 'REPORT' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | null;
  credentials: Authorization | null;
  /** Whose budget it is taken out of: requests of one account wait for each other. */
  lane: Lane;
  /** Asked for twice, it does no more harm than once. Not given: as the method says. */
  repeatable?: boolean;
  /** Of the answer; one that is larger is `malformed`. Null: as large as any may be. */
  maxBytes: number | null;
}>;

export type HttpResponse = Readonly<{
  status: number;
  /** Where the answer came from, after redirects. */
  url: string;
  header: (name: string) => string | null;
  /** Whether the credentials went with the request that was answered. */
  authorized: boolean;
  /** Decompressed, limited in size; fails when the answer breaks off. */
  body: AsyncIterable<Uint8Array>;
}>;

export type GuardedHttp = Readonly<{
  /**
   * Makes the request and reads its answer with `read`, which starts from nothing on every try. Waits while the budget of its account is used up.
   * Throws `ProviderFault`: `throttled`, `unavailable`, `refused-address`, `malformed`; errors of `call.permit`, of `read` and the reason of an
   * abort come through unchanged.
   */
  request: <T>(request: GuardedRequest, call: Call, read: (response: HttpResponse) => Promise<T>) => Promise<T>;
  /** Closes all connections. */
  close: () => Promise<void>;
}>;

/** A failure that may pass by itself, also thrown by what reads an answer: tried again, then thrown as `fault`. */
export class Passing extends Error {
  constructor(
    readonly fault: ProviderFault,
    /** The setting that the first wait comes from. */
    readonly floor: 'throttleFloor' | 'faultFloor',
  ) {
    super(fault.message);
  }
}

/** Methods of requests that change something. */
const CHANGING: ReadonlySet<string> = new Set(['POST', 'PATCH', 'DELETE']);

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 307, 308]);

const passingStatus = (status: number, retryAfter: number | null): Passing | null => {
  if (status === 429) return new Passing(new ProviderFault('throttled', 'the server answers 429', retryAfter), 'throttleFloor');
  if (status === 503) {
    const fault = retryAfter === null ? 'unavailable' : 'throttled';
    return new Passing(new ProviderFault(fault, 'the server answers 503', retryAfter), 'throttleFloor');
  }
  if (status === 502 || status === 504)
    return new Passing(new ProviderFault('unavailable', `the server answers ${status}`, retryAfter), 'faultFloor');
  return null;
};

const refusal = (why: string): ProviderFault => new ProviderFault('refused-address', why);

/** Who may be called, and the connections to them. */
type Reach = Readonly<{ mayCall: (address: string) => boolean; agent: Agent; refusal: string }>;

/** Everything that is fixed when the transport is made. */
type Transport = Readonly<{ settings: Settings; internet: Reach; ownNetwork: Reach }>;

const transport = (options: GuardedHttpOptions): Transport => {
  const settings: Settings = { ...DEFAULTS, ...options };
  const { connectTimeout: timeout, headersTimeout, bodyTimeout } = settings;
  const reach = (mayCall: Reach['mayCall'], why: string): Reach => ({
    mayCall,
    agent: new Agent({
      ...{ headersTimeout, bodyTimeout, connections: 32, allowH2: false },
      connect: { timeout, lookup: guardedLookup(mayCall) },
    }),
    refusal: why,
  });
  return {
    settings,
    internet: reach(isPublicAddress, 'not on the public internet'),
    ownNetwork: reach(isOwnNetworkAddress, 'link-local or a cloud’s metadata'),
  };
};

const reachFor = ({ settings, internet, ownNetwork }: Transport, url: URL): Reach => {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refusal('only http and https addresses are called');
  const reach = settings.allowPrivate || settings.allowedOrigins.includes(url.origin) ? ownNetwork : internet;
  if (reach === internet && url.protocol === 'http:') throw refusal('calendars are read over https only');
  const address = literalAddress(url);
  if (address !== null && !reach.mayCall(address)) throw refusal(`the address is ${reach.refusal}`);
  return reach;
};

type Hop = Readonly<{ response: Dispatcher.ResponseData; taken: Readable; url: URL; authorized: boolean }>;

const broken = (error: unknown, call: Call): unknown => {
  if (call.signal.aborted) return call.signal.reason;
  if (error instanceof AddressRefused) return refusal('the name leads to an address that is not called');
  return new Passing(new ProviderFault('unavailable', 'the connection failed or broke off'), 'faultFloor');
};

const largest = ({ settings }: Transport, { maxBytes }: GuardedRequest): number => Math.min(settings.maxBytes, maxBytes ?? Infinity);

const hop = async (made: Transport, request: GuardedRequest, url: URL, call: Call, signal: AbortSignal): Promise<Hop> => {
  const { credentials } = request;
  const { agent: dispatcher } = reachFor(made, url);
  const authorized = credentials !== null && mayAuthorize(credentials, url);
  const headers = {
    ...request.headers,
    // Plain http is a server on one's own network: to compress takes longer than to send.
    'accept-encoding': url.protocol === 'https:' ? 'gzip' : 'identity',
    ...(authorized ? { authorization: credentials.header } : {}),
  };
  await call.permit();
  call.signal.throwIfAborted();
  try {
    const response = await send(url, {
      method: request.method as Dispatcher.HttpMethod,
      headers,
      body: request.body,
      dispatcher,
      signal,
      highWaterMark: 1024 * 1024,
    });
    return { response, taken: unpaused(response.body, largest(made, request)), url, authorized };
  } catch (error) {
    throw broken(error, call);
  }
};

/** Redirects keep method and body, which neither 301 nor 302 promises by itself, and every hop passes the same guard. */
const follow = async (made: Transport, request: GuardedRequest, call: Call, signal: AbortSignal): Promise<Hop> => {
  let url = new URL(request.url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const reached = await hop(made, request, url, call, signal);
    const location = headerOf(reached.response.headers['location']);
    const isFollowed = !CHANGING.has(request.method) && REDIRECTS.has(reached.response.statusCode);
    if (!isFollowed || location === null) return reached;
    reached.response.body.destroy();
    if (!URL.canParse(location, url.href)) throw new ProviderFault('malformed', 'the server redirects to no address');
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:') throw refusal('the server redirects from https to plain http');
    url = next;
    await turn(made.settings, request.lane, call);
  }
  throw new ProviderFault('malformed', 'the server redirects in circles');
};

/** Reads the answer; an error of the stream is a broken connection, an error of `read` stays what it is. */
const readAnswer = async <T>(
  made: Transport,
  request: GuardedRequest,
  reached: Hop,
  call: Call,
  read: (response: HttpResponse) => Promise<T>,
): Promise<T> => {
  const { response, taken, url, authorized } = reached;
  const { headers, statusCode: status } = response;
  const { settings } = made;
  const header = (name: string): string | null => headerOf(headers[name]);
  const passing = passingStatus(status, retryAfterSeconds(header('retry-after'), settings.clock.now()));
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* limited(decompressed(headers, taken), largest(made, request));
    } catch (error) {
      throw error instanceof ProviderFault ? error : broken(error, call);
    }
  }
  try {
    if (passing !== null) throw passing;
    return await read({ status, url: url.href, header, authorized, body: body() });
  } finally {
    // A body left unread would keep its connection; destroying one that was read is harmless.
    response.body.destroy();
  }
};

/**
 * HTTP for servers that users name: only public addresses (resolved once and pinned), https, redirects by hand, credentials only where they
 * belong, a budget of requests for each account, time and size limits, and a few tries with growing pauses. Used by one process for all accounts;
 * `lane` keeps them apart.
 */
export const guardedHttp = (options: GuardedHttpOptions): GuardedHttp => {
  const made = transport(options);
  const { settings } = made;
  const queue = lanes();

  const once = async <T>(request: GuardedRequest, call: Call, read: (response: HttpResponse) => Promise<T>): Promise<T> => {
    const place = await admitted(settings, request.lane, call);
    try {
      const ends = [call.signal, AbortSignal.timeout(settings.totalTimeout), ...(place === null ? [] : [place.lost])];
      return await readAnswer(made, request, await follow(made, request, call, AbortSignal.any(ends)), call, read);
    } finally {
      // The answer waits for nothing; a place that could not be left is free after some seconds.
      void place?.leave();
    }
  };

  const request: GuardedHttp['request'] = async (what, call, read) => {
    const start = settings.clock.now();
    const { account, atOnce } = what.lane;
    for (let attempt = 0, waited = 0; ; attempt += 1) {
      try {
        return await queue.run(account, Math.min(settings.perLane, atOnce ?? Infinity), () => once(what, call, read));
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (CHANGING.has(what.method) && what.repeatable !== true) throw error.fault;
        const delay = retryDelay(attempt, settings[error.floor], error.fault.retryAfter, settings.random());
        const late = waited + delay > settings.waitBudget || settings.clock.now() - start > settings.totalTimeout;
        if (attempt === settings.retries || late) throw error.fault;
        waited += delay;
        await rest(delay, call);
      }
    }
  };

  return {
    request,
    close: async () => {
      await Promise.all([made.internet.agent.close(), made.ownNetwork.agent.close()]);
    },
  };
};
