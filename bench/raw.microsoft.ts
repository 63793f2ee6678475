import { askGraph, ALWAYS } from '../test/support/microsoft-sandbox.js';
import { type Listed, type RawVendor } from './account.vendor.js';
import { BENCH_CALENDAR } from './microsoft.calendar.js';

type Page = Readonly<{ value: readonly Readonly<{ subject?: string }>[]; '@odata.nextLink'?: string; '@odata.deltaLink'?: string }>;

/** Rows on a page. */
const PAGE = 1_000;

const DAY = 86_400_000;

export const rawMicrosoft = (url: string, token: string): RawVendor => {
  const list = async (first: string): Promise<Listed> => {
    const titles: string[] = [];
    for (let link: string = first; ;) {
      const { status, json } = await askGraph({ url }, token, link, { prefer: `${ALWAYS}, odata.maxpagesize=${PAGE}` });
      if (status >= 300) throw new Error(`The simulator of Microsoft answered ${status}.`);
      const page = json as Page;
      titles.push(...page.value.map(({ subject = '' }) => subject));
      const next = page['@odata.nextLink'];
      if (next === undefined) return { titles, token: page['@odata.deltaLink'] ?? '' };
      link = next;
    }
  };
  const view = `me/calendars/${encodeURIComponent(BENCH_CALENDAR)}/calendarView`;
  const range = (start: Date, end: Date): string => `startDateTime=${start.toISOString()}&endDateTime=${end.toISOString()}`;
  return {
    readAll: () => list(`${view}/delta?${range(new Date(Date.now() - 30 * DAY), new Date(Date.now() + 366 * DAY))}`),
    readRange: (start, end) => list(`${view}?$top=${PAGE}&${range(start, end)}`),
    changes: (link) => list(link),
  };
};
