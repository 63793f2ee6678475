import { type TimeRange } from '../../kernel/time-range.js';

/** Bodies of WebDAV and CalDAV requests. Property names carry the prefixes declared here: d, c, cs, ical. */
const NAMESPACES = [
  'xmlns:d="DAV:"',
  'xmlns:c="urn:ietf:params:xml:ns:caldav"',
  'xmlns:cs="http://calendarserver.org/ns/"',
  'xmlns:ical="http://apple.com/ns/ical/"',
].join(' ');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** What no XML document may hold, however it is written. */
const NO_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;

const escaped = (text: string): string =>
  text.replace(NO_XML, '\uFFFD').replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

const document = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<${root} ${NAMESPACES}>${content}</${root}>`;

const wanted = (properties: readonly string[]): string => `<d:prop>${properties.map((name) => `<${name}/>`).join('')}</d:prop>`;

/** RFC 4918 9.1. */
export const propfind = (properties: readonly string[]): string => document('d:propfind', wanted(properties));

/** RFC 6578 3.2; the empty token asks for everything. Etags only: for a content type some servers parse every object. */
export const syncCollection = (token: string): string =>
  document('d:sync-collection', `<d:sync-token>${escaped(token)}</d:sync-token><d:sync-level>1</d:sync-level>${wanted(['d:getetag'])}`);

/** RFC 4791 7.9. */
export const multiget = (hrefs: readonly string[]): string =>
  document(
    'c:calendar-multiget',
    wanted(['d:getetag', 'c:calendar-data']) + hrefs.map((href) => `<d:href>${escaped(href)}</d:href>`).join(''),
  );

const basic = (instant: string): string => `${instant.slice(0, 19).replace(/[-:]/g, '')}Z`;

/** RFC 4791 7.8: events with an instance in `range` (null: all), series expanded by the server. iCloud answers only when VEVENT is named. */
export const calendarQuery = (range: TimeRange | null, properties: readonly string[]): string => {
  const time = range === null ? '' : `<c:time-range start="${basic(range.start)}" end="${basic(range.end)}"/>`;
  const events = `<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">${time}</c:comp-filter></c:comp-filter>`;
  return document('c:calendar-query', `${wanted(properties)}<c:filter>${events}</c:filter>`);
};
