import { type Call, OnAnotherHost, ProviderFault } from '../calendar-provider.js';
import { type CaldavAccount } from './caldav.account.js';
import { charsetOf } from '../http/charset.js';
import { calendarText } from '../http/text.stream.js';
import { type GuardedHttp, type HttpResponse } from '../http/guarded.http.js';
import { readConditions, readMultistatus, type Row } from './multistatus.wire.js';

/** The server understood and said no; what that means depends on what was asked, so callers translate it to a `ProviderFault`. */
export class DavRefused extends Error {
  override readonly name = 'DavRefused';
  constructor(
    readonly status: number,
    /** Conditions named in the answer, `d:valid-sync-token`. */
    readonly conditions: readonly string[],
  ) {
    super(`refused with ${status}`);
  }
}

/**
 * `items`: what `pick` made of the rows. `url`: where the answer came from, which relative hrefs are relative to. `weight`: how many rows it
 * had, one with a long name counted as several.
 */
export type Multistatus<T> = Readonly<{ items: readonly T[]; syncToken: string | null; url: string; weight: number }>;

export type DavRequest = Readonly<{
  method: 'PROPFIND' | 'REPORT';
  url: string;
  depth: 0 | 1;
  body: string;
  /** Of the answer; a larger one is `malformed`. As large as any may be without it. */
  maxBytes?: number;
  /** The most its rows may weigh; more of them are `too-large`. */
  most?: number;
}>;

/** WebDAV with one account's credentials. Throws `DavRefused` for 4xx and 5xx, else `ProviderFault`. */
export type DavClient = Readonly<{
  /**
   * Reads a multistatus, keeping of each row what `pick` returns; null keeps nothing. `url` is where the answer came from. An answer that broke
   * off is asked for again: `pick` then sees its rows once more. `ready` is awaited before each next piece of the answer is looked at.
   */
  multistatus: <T>(request: DavRequest, pick: (row: Row, url: string) => T | null, ready?: () => Promise<void>) => Promise<Multistatus<T>>;
  get: (url: string) => Promise<Readonly<{ text: string; etag: string | null }>>;
}>;

const charsetIn = (response: HttpResponse): string | null => charsetOf(response.header('content-type'));

const textOfBody = async (response: HttpResponse): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of response.body) parts.push(part);
  return calendarText(Buffer.concat(parts), charsetIn(response));
};

/** Names and etags of so many characters weigh as much as one more row. */
const ONE_NAME = 256;

const weightOf = ({ href, properties }: Row): number =>
  Math.ceil((href.length + (properties.get('d:getetag')?.text.length ?? 0) + 1) / ONE_NAME);

const tooLarge = (): ProviderFault => new ProviderFault('too-large', 'the calendar holds more entries than are read');

/** Answers other than the expected 2xx. */
const refuse = async (response: HttpResponse): Promise<never> => {
  const { status } = response;
  if ((status === 401 || status === 403) && !response.authorized) throw new OnAnotherHost(new URL(response.url).origin);
  if (status < 400) throw new ProviderFault('malformed', `the server answers ${status} where a calendar server would not`);
  throw new DavRefused(status, await readConditions(response.body, charsetIn(response)));
};

/** A second 401 in a row is taken at its word: more tries could lock the account. */
const unlessUnauthorized = async <T>(request: () => Promise<T>): Promise<T> => {
  const rejected = (error: unknown): boolean => error instanceof DavRefused && error.status === 401;
  try {
    return await request();
  } catch (error) {
    if (!rejected(error)) throw error;
  }
  try {
    return await request();
  } catch (error) {
    throw rejected(error) ? new ProviderFault('access-revoked', 'the server does not accept the user name and password') : error;
  }
};

export const davClient = (http: GuardedHttp, { credentials, lane }: CaldavAccount, call: Call): DavClient => ({
  multistatus: ({ method, url, depth, body, maxBytes = null, most = Infinity }, pick, ready) => {
    const headers = { 'content-type': 'application/xml; charset=utf-8', depth: String(depth), accept: 'application/xml, text/xml' };
    return unlessUnauthorized(() =>
      http.request({ method, url, headers, body, credentials, lane, maxBytes }, call, async (response) => {
        if (response.status !== 207) return refuse(response);
        type Item = NonNullable<ReturnType<typeof pick>>;
        const items: Item[] = [];
        let weight = 0;
        const syncToken = await readMultistatus(
          response.body,
          (row) => {
            if ((weight += weightOf(row)) > most) throw tooLarge();
            const item = pick(row, response.url);
            if (item !== null) items.push(item as Item);
          },
          charsetIn(response),
          ready,
        );
        return { items, syncToken, url: response.url, weight };
      }),
    );
  },
  get: (url) =>
    unlessUnauthorized(() =>
      http.request(
        { method: 'GET', url, headers: { accept: 'text/calendar' }, body: null, credentials, lane, maxBytes: null },
        call,
        async (response) => {
          if (response.status !== 200) return refuse(response);
          return { text: await textOfBody(response), etag: response.header('etag') };
        },
      ),
    ),
});

/** `DavRefused` in the words of the port, for a request whose target is a calendar or the account itself. */
export const asFault = (error: unknown): unknown => {
  if (!(error instanceof DavRefused)) return error;
  const { status } = error;
  if (status === 403) return new ProviderFault('forbidden', 'the account may not read this');
  if (status === 404 || status === 410) return new ProviderFault('calendar-gone', 'the calendar is not there any more');
  if (status === 408 || status === 423 || status >= 500) return new ProviderFault('unavailable', `the server answers ${status}`);
  return new ProviderFault('malformed', `the server answers ${status} to a request every calendar server knows`);
};

/** Whether a refusal is about the kind of request, so that another kind may succeed: not supported, too large, not allowed this way. */
export const isUnsupported = (error: unknown): boolean =>
  error instanceof DavRefused &&
  (error.status < 500 ? ![401, 404, 408, 410, 423].includes(error.status) : [501, 507].includes(error.status));
