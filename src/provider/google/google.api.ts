import { type calendar_v3 } from '@googleapis/calendar';
import { type Call, ProviderFault } from '../calendar-provider.js';
import { type Grant } from '../grant.js';
import { Unauthorized, withAccessToken } from '../http/access-token.js';
import { parsed, textOf } from '../http/answer.text.js';
import { type HttpResponse, Passing } from '../http/guarded.http.js';
import { retryAfterSeconds } from '../http/retry.js';
import { judge, type Refusal, type Sent } from './google-refusal.js';
import { type GoogleOptions, laneOf } from './google.options.js';
import { readReasons } from './google.wire.js';

type Api = calendar_v3.Calendar;

/** What the generated client takes beside the parameters of a call. */
type CallOptions = Omit<calendar_v3.Options, 'version'>;

/** A request as the generated client puts it together. */
export type Ask = (api: Api, options: CallOptions) => Promise<unknown>;

/** Google's Calendar API as one grant opens it. */
export type GoogleApi = Readonly<{
  /** The parsed body of the answer. `sent`: which tokens go with the request, for what a refusal means. Throws `ProviderFault`. */
  read: (ask: Ask, sent: Sent) => Promise<unknown>;
  /**
   * Makes a request with a body, once; the parsed body of the answer, null when there is none. `meaning`: what refusals of this request mean where
   * they mean something else than those of a reading; null for the others. Throws `ProviderFault`.
   */
  post: (ask: Ask, meaning: Meaning) => Promise<unknown>;
}>;

/** What a refusal of one kind of request means; null where it means what it means of any. */
export type Meaning = (refusal: Refusal) => ProviderFault | null;

/** How refusals of a request are read. */
type Reading = Readonly<{ sent: Sent; meaning: Meaning }>;

/** A request as it goes out. `body`: null for one that only reads. */
type Outgoing = Readonly<{ url: string; body: string | null }>;

let loaded: Promise<Api> | null = null;

/** Loaded when it is first needed, because that takes a good part of a start. */
const client = (): Promise<Api> => {
  loaded ??= import('@googleapis/calendar').then(({ calendar }) => calendar({ version: 'v3' }));
  return loaded;
};

/**
 * Where a request goes, with its parameters. The client puts it together and does not make it: its own transport tries again without regard to
 * `Retry-After`, knows no limit of size, and puts tokens into its errors. Only a root given with the call may have a path.
 */
const outgoingOf = async (ask: Ask, apiUrl: string): Promise<Outgoing> => {
  let outgoing: Outgoing = { url: '', body: null };
  const adapter = (({ url, body }: Readonly<{ url: URL; body?: unknown }>) => {
    outgoing = { url: String(url), body: typeof body === 'string' ? body : null };
    return Promise.resolve({ status: 200, data: null });
  }) as unknown as NonNullable<CallOptions['adapter']>;
  await ask(await client(), { rootUrl: `${apiUrl.replace(/\/+$/, '')}/`, retry: false, adapter });
  return outgoing;
};

const answerOf = async (response: HttpResponse, { sent, meaning }: Reading, now: number): Promise<unknown> => {
  const { status } = response;
  const answer = parsed(await textOf(response));
  if (status === 200 && answer !== undefined) return answer;
  if (status === 204) return null;
  if (status < 400) throw new ProviderFault('malformed', `Google answers ${status} with something that makes no sense`);
  const refusal = { status, reasons: readReasons(answer) };
  const meant = meaning(refusal);
  if (meant !== null) throw meant;
  if (status === 401) throw new Unauthorized();
  const { fault, detail, isPassing } = judge(refusal, sent);
  const refused = new ProviderFault(fault, detail, retryAfterSeconds(response.header('retry-after'), now));
  throw isPassing ? new Passing(refused, fault === 'throttled' ? 'throttleFloor' : 'faultFloor') : refused;
};

export const googleApi = ({ http, clock, google }: GoogleOptions, grant: Grant, call: Call): GoogleApi => {
  const { origin } = new URL(google.apiUrl);
  const authorized = ({ url, body }: Outgoing, reading: Reading): Promise<unknown> =>
    withAccessToken(grant, 'Google', (token, secret) => {
      const credentials = { header: `Bearer ${token}`, origin, domain: null };
      const headers = { accept: 'application/json', ...(body === null ? {} : { 'content-type': 'application/json' }) };
      const method = body === null ? 'GET' : 'POST';
      return http.request({ method, url, headers, body, credentials, lane: laneOf(secret), maxBytes: null }, call, (response) =>
        answerOf(response, reading, clock.now()),
      );
    });
  return {
    read: async (ask, sent) => {
      call.signal.throwIfAborted();
      return authorized(await outgoingOf(ask, google.apiUrl), { sent, meaning: () => null });
    },
    post: async (ask, meaning) => {
      call.signal.throwIfAborted();
      return authorized(await outgoingOf(ask, google.apiUrl), { sent: { syncToken: false, pageToken: false }, meaning });
    },
  };
};
