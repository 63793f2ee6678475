import { type Event } from '@microsoft/microsoft-graph-types';
import { type TimeRange } from '../../kernel/time-range.js';
import { ProviderFault } from '../calendar-provider.js';
import { pathOf, pathTo } from './graph-link.js';
import { type GraphApi } from './graph.api.js';
import { type GraphEvent, type GraphPage, readEvent, readPage } from './graph.wire.js';

/** What a calendar is read by. Lists come page by page; their links lead to where the next one is, under `/v1.0`. */
export type GraphReader = Readonly<{
  /** What takes place in some days, occurrences with their details. */
  view: (range: TimeRange) => AsyncGenerator<GraphPage, undefined>;
  /** A delta round: from its beginning, or from where another ended. Throws `cursor-expired`. */
  delta: (from: TimeRange | string) => AsyncGenerator<GraphPage, undefined>;
  /** The occurrences of a series, with their details. Throws `calendar-gone` where there is no such series. */
  instances: (series: string, range: TimeRange) => AsyncGenerator<GraphPage, undefined>;
  /** An event by its id in this calendar; null where there is none. */
  event: (id: string) => Promise<GraphEvent | null>;
}>;

/** What of an event is read. A delta round takes no `$select`. */
const SELECT: readonly (keyof Event)[] = [
  ...([
    'id',
    'type',
    'seriesMasterId',
    'iCalUId',
    'lastModifiedDateTime',
    'start',
    'end',
    'isAllDay',
    'isCancelled',
    'isOrganizer',
  ] as const),
  ...(['originalStart', 'originalStartTimeZone', 'originalEndTimeZone', 'showAs', 'sensitivity', 'responseStatus'] as const),
  ...(['subject', 'body', 'location', 'organizer', 'attendees', 'webLink'] as const),
];

/** Few requests for large calendars, and answers that stay well below the largest that is read: an event may have 500 guests. */
const PAGE = 250;

/** A list that never ends is none. */
const MOST_PAGES = 10_000;

const within = ({ start, end }: TimeRange): string => `startDateTime=${encodeURIComponent(start)}&endDateTime=${encodeURIComponent(end)}`;

/** Where a list begins: with some days, with those of a new delta round, whose later pages read on from a token, or with a token. */
type Way = Readonly<{ from: 'days' | 'round' | 'token'; rows?: number }>;

/** A calendar as one grant opens it, by the path that is its own: `/me/events` knows nothing of what others share. `graphUrl`: an origin. */
export const graphReader = ({ read }: GraphApi, graphUrl: string, calendar: string): GraphReader => {
  const base = pathTo('me', 'calendars', calendar);
  async function* pages(first: string, { from, ...how }: Way = { from: 'days' }): AsyncGenerator<GraphPage, undefined> {
    const asked = new Set<string>();
    for (let path = first; ;) {
      const page = readPage(await read(path, { ...how, isDelta: from === 'token' || (from === 'round' && asked.size > 0) }));
      yield page;
      if (page.nextLink === null) return;
      asked.add(path);
      path = pathOf(graphUrl, page.nextLink);
      if (asked.has(path) || asked.size >= MOST_PAGES) throw new ProviderFault('malformed', 'Microsoft’s list of events does not end');
    }
  }
  const full = `$top=${PAGE}&$select=${SELECT.join(',')}`;
  return {
    view: (range) => pages(`${base}/calendarView?${within(range)}&${full}`),
    delta: (from) =>
      typeof from === 'string'
        ? pages(from, { from: 'token', rows: PAGE })
        : pages(`${base}/calendarView/delta?${within(from)}`, { from: 'round', rows: PAGE }),
    instances: (series, range) => pages(`${base}${pathTo('events', series)}/instances?${within(range)}&${full}`),
    event: async (id) => {
      try {
        const found = readEvent(await read(`${base}${pathTo('events', id)}`));
        if (found === null || found.id === null) throw new ProviderFault('malformed', 'Microsoft’s answer is no event');
        return found;
      } catch (error) {
        if (error instanceof ProviderFault && error.fault === 'calendar-gone') return null;
        throw error;
      }
    },
  };
};
