import { request } from 'node:http';

export type Account = Readonly<{ user: string; password: string }>;

/** The least a client can do: one request, its answer as text; throws on any status of 300 or more. */
export type RawClient = Readonly<{
  /** Everything with its data; answers how many objects came. */
  readAll: () => Promise<number>;
  /** What has an instance between two instants, with its data; answers how many objects came. */
  readRange: (start: Date, end: Date) => Promise<number>;
  /** What changed since a token (empty: everything), without data. */
  changes: (token: string) => Promise<Readonly<{ token: string; hrefs: readonly string[] }>>;
  get: (href: string) => Promise<string>;
}>;

const NAMESPACES = 'xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"';

const query = (within: string): string =>
  `<c:calendar-query ${NAMESPACES}><prop><getetag/><c:calendar-data/></prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">${within}</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>`;

const stamp = (instant: Date): string => instant.toISOString().replaceAll(/[-:]|\.\d+/g, '');

const objectsIn = (answer: string): number => answer.split('BEGIN:VCALENDAR').length - 1;

const since = (token: string): string =>
  `<sync-collection ${NAMESPACES}><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`;

const send = (method: string, url: string, { user, password }: Account, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'application/xml',
      depth: '1',
    };
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status >= 300) reject(new Error(`The CalDAV server answered ${status} to ${method}.`));
        else resolve(Buffer.concat(parts).toString());
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });

/** A client of one calendar, without any of the care a real one needs: what the server itself takes. */
export const rawClient = (calendar: string, account: Account): RawClient => ({
  readAll: async () => objectsIn(await send('REPORT', calendar, account, query(''))),
  readRange: async (start, end) =>
    objectsIn(await send('REPORT', calendar, account, query(`<c:time-range start="${stamp(start)}" end="${stamp(end)}"/>`))),
  changes: async (token) => {
    const answer = await send('REPORT', calendar, account, since(token));
    const hrefs = [...answer.matchAll(/<href>([^<]*)<\/href>/g)].map(([, href = '']) => href);
    return { token: /<sync-token>([^<]*)<\/sync-token>/.exec(answer)?.[1] ?? '', hrefs };
  },
  get: (href) => send('GET', new URL(href, calendar).href, account, ''),
});
