import { BENCH_PERSON } from './google.calendar.js';

type Page = Readonly<{ items: readonly Readonly<{ summary?: string }>[]; nextPageToken?: string; nextSyncToken?: string }>;

/** Everything a list brings. */
export type Listed = Readonly<{ titles: readonly string[]; token: string }>;

/** The least a client of Google can do: pages as large as they may be, one after the other; throws on any status of 300 or more. */
export type RawGoogle = Readonly<{
  readAll: () => Promise<Listed>;
  /** What has an instance between two instants. */
  readRange: (start: Date, end: Date) => Promise<Listed>;
  /** What changed since a token. */
  changes: (token: string) => Promise<Listed>;
}>;

/** The most that Google puts on a page. */
const PAGE = '2500';

export const rawGoogle = (url: string, accessToken: string): RawGoogle => {
  const headers = { authorization: `Bearer ${accessToken}` };
  const list = async (parameters: Readonly<Record<string, string>>): Promise<Listed> => {
    const titles: string[] = [];
    for (let pageToken: string | undefined; ;) {
      const query = new URLSearchParams({ maxResults: PAGE, ...parameters, ...(pageToken === undefined ? {} : { pageToken }) });
      const answer = await fetch(`${url}calendar/v3/calendars/${encodeURIComponent(BENCH_PERSON)}/events?${query.toString()}`, { headers });
      if (!answer.ok) throw new Error(`The simulator of Google answered ${answer.status}.`);
      const page = (await answer.json()) as Page;
      titles.push(...page.items.map(({ summary = '' }) => summary));
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return { titles, token: page.nextSyncToken ?? '' };
    }
  };
  return {
    readAll: () => list({}),
    readRange: (start, end) => list({ timeMin: start.toISOString(), timeMax: end.toISOString() }),
    changes: (token) => list({ syncToken: token }),
  };
};
