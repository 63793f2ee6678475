import { BENCH_PERSON, type Listed, type RawVendor } from './account.vendor.js';

type Page = Readonly<{ items: readonly Readonly<{ summary?: string }>[]; nextPageToken?: string; nextSyncToken?: string }>;

/** The most that Google puts on a page. */
const PAGE = '2500';

export const rawGoogle = (url: string, accessToken: string): RawVendor => {
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
