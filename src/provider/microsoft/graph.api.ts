import { type Client, type Context, type Middleware } from '@microsoft/microsoft-graph-client';
import { type Call, ProviderFault } from '../calendar-provider.js';
import { type Grant } from '../grant.js';
import { Unauthorized, withAccessToken } from '../http/access-token.js';
import { parsed, textOf } from '../http/answer.text.js';
import { type GuardedRequest, type HttpResponse, Passing } from '../http/guarded.http.js';
import { retryAfterSeconds } from '../http/retry.js';
import { judge, type Refusal } from './graph-refusal.js';
import { readRefusal } from './graph.wire.js';
import { laneOf, type MicrosoftOptions } from './microsoft.options.js';

export { type Refusal } from './graph-refusal.js';

/** What a refusal of one kind of request means; null where it means what it means of any. */
export type Meaning = (refusal: Refusal) => ProviderFault | null;

/** `isDelta`: the path is a link of a delta round. `rows`: rows that a page is to have at most, where the query does not say it. */
export type Reading = Readonly<{ isDelta?: boolean; rows?: number }>;

/** Microsoft Graph as one grant opens it. Paths are relative to `/v1.0` and may have a query. */
export type GraphApi = Readonly<{
  /** The parsed body of the answer. Throws `ProviderFault`. */
  read: (path: string, reading?: Reading) => Promise<unknown>;
  /** Makes a request that changes something, once; the parsed body of the answer, null when there is none. Throws `ProviderFault`. */
  send: (method: 'POST' | 'PATCH' | 'DELETE', path: string, body: unknown, meaning: Meaning) => Promise<unknown>;
}>;

/** Ids that stay the same when an event is moved, times as instants, texts without markup: the same on every request of a calendar. */
const PREFERENCES = ['IdType="ImmutableId"', 'outlook.timezone="UTC"', 'outlook.body-content-type="text"'];

/** A request as the client puts it together. */
type Outgoing = Readonly<{ url: string; body: string | null; headers: Readonly<Record<string, string>> }>;

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** How the answer to a request is read. */
type Asked = Readonly<{ method: Method; isDelta: boolean; meaning: Meaning }>;

type Module = Readonly<{ Client: typeof Client }>;

let loaded: Promise<Module> | null = null;

/** Loaded when it is first needed, because that takes a part of a start. */
const load = (): Promise<Module> => {
  loaded ??= import('@microsoft/microsoft-graph-client');
  return loaded;
};

const answerOf = async (response: HttpResponse, { isDelta, meaning }: Asked, now: number): Promise<unknown> => {
  const { status } = response;
  const text = await textOf(response);
  const answer = parsed(text);
  if (status >= 200 && status < 300 && (answer !== undefined || text === '')) return answer ?? null;
  if (status < 400) throw new ProviderFault('malformed', `Microsoft answers ${status} with something that makes no sense`);
  const refusal = { status, ...readRefusal(answer) };
  const meant = meaning(refusal);
  if (meant !== null) throw meant;
  if (status === 401) throw new Unauthorized();
  const { fault, detail, isPassing } = judge(refusal, isDelta);
  const refused = new ProviderFault(fault, detail, retryAfterSeconds(response.header('retry-after'), now));
  throw isPassing ? new Passing(refused, fault === 'throttled' ? 'throttleFloor' : 'faultFloor') : refused;
};

/** What the client sends along with a request. */
type Sent = Readonly<{ body?: unknown; headers?: Readonly<Record<string, string>> }>;

/** The one link of the client's chain: it makes the request. What it throws, the client would turn into an error of its own, which drops the cause. */
class Transport implements Middleware {
  private outcome: Promise<unknown> = Promise.resolve(null);

  constructor(private readonly make: (outgoing: Outgoing) => Promise<unknown>) {}

  async execute(context: Context): Promise<void> {
    // Its own types name those of browsers.
    const { body, headers } = (context.options ?? {}) as Sent;
    this.outcome = this.make({ url: String(context.request), body: typeof body === 'string' ? body : null, headers: headers ?? {} });
    await this.outcome.catch(() => undefined);
    context.response = new Response(null, { status: 204 });
  }

  /** The answer to the request that was made last, or why there is none. */
  answer(): Promise<unknown> {
    return this.outcome;
  }
}

const ask = (client: Client, method: Method, path: string, { body, rows }: Readonly<{ body: unknown; rows: number | null }>) => {
  const prefer = [...PREFERENCES, ...(rows === null ? [] : [`odata.maxpagesize=${rows}`])].join(', ');
  const request = client.api(path).headers({ Accept: 'application/json', Prefer: prefer });
  switch (method) {
    case 'GET':
      return request.get();
    case 'POST':
      return request.post(body);
    case 'PATCH':
      return request.patch(body);
    case 'DELETE':
      return request.delete();
  }
};

export const graphApi = (options: MicrosoftOptions, grant: Grant, call: Call): GraphApi => {
  const { http, clock, microsoft } = options;
  const { graphUrl: origin } = microsoft;
  const authorized = (outgoing: Outgoing, asked: Asked): Promise<unknown> =>
    withAccessToken(grant, 'Microsoft', (token, secret) => {
      const credentials = { header: `Bearer ${token}`, origin, domain: null };
      const request: GuardedRequest = { ...outgoing, method: asked.method, credentials, lane: laneOf(secret), maxBytes: null };
      return http.request(request, call, (response) => answerOf(response, asked, clock.now()));
    });
  const baseUrl = `${origin}/`;
  const made = async (path: string, asked: Asked, rest: Readonly<{ body: unknown; rows: number | null }>): Promise<unknown> => {
    call.signal.throwIfAborted();
    const { Client: client } = await load();
    const transport = new Transport((outgoing) => authorized(outgoing, asked));
    await ask(client.initWithMiddleware({ middleware: transport, baseUrl, defaultVersion: 'v1.0' }), asked.method, path, rest);
    return transport.answer();
  };
  return {
    read: (path, { isDelta = false, rows } = {}) =>
      made(path, { method: 'GET', isDelta, meaning: () => null }, { body: null, rows: rows ?? null }),
    send: (method, path, body, meaning) => made(path, { method, isDelta: false, meaning }, { body, rows: null }),
  };
};
