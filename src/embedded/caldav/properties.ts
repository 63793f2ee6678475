import { element, escapeXml } from './xml.js';

/** Contents of properties by name, `d:displayname`. */
export type Properties = ReadonlyMap<string, string>;

const empty = (names: readonly string[]): string => names.map((name) => element(name)).join('');

const href = (address: string): string => element('d:href', escapeXml(address));

/** Where somebody and their things are, in the spelling of the answer. */
export type Addresses = Readonly<{ principal: string; home: string }>;

export const rootProperties = ({ principal }: Addresses): Properties =>
  new Map([
    ['d:resourcetype', empty(['d:collection'])],
    ['d:current-user-principal', href(principal)],
  ]);

export const principalProperties = ({ principal, home }: Addresses, username: string, fullName: string): Properties =>
  new Map([
    ['d:resourcetype', empty(['d:principal'])],
    ['d:displayname', escapeXml(fullName)],
    ['d:current-user-principal', href(principal)],
    ['d:principal-URL', href(principal)],
    ['c:calendar-home-set', href(home)],
    ['c:calendar-user-address-set', href(`mailto:${username}`) + href(principal)],
  ]);

export const homeProperties = ({ principal }: Addresses): Properties =>
  new Map([
    ['d:resourcetype', empty(['d:collection'])],
    ['d:current-user-principal', href(principal)],
    ['d:owner', href(principal)],
  ]);

const READ = ['d:read', 'd:read-current-user-privilege-set'];
const WRITE = ['d:write', 'd:write-content', 'd:bind', 'd:unbind'];

const privileges = (writable: boolean): string =>
  [...READ, ...(writable ? WRITE : [])].map((name) => element('d:privilege', element(name))).join('');

const reports = (names: readonly string[]): string =>
  names.map((name) => element('d:supported-report', element('d:report', element(name)))).join('');

export type CalendarFacts = Readonly<{
  displayName: string;
  color: string;
  writable: boolean;
  /** An iCalendar text with a VTIMEZONE. */
  timeZone: string;
  /** Null where the server does not do sync-collection. */
  syncToken: string | null;
  ctag: string | null;
}>;

/** RFC 4791 5.2, RFC 6578 4, and two of Apple's that every client asks for. */
export const calendarProperties = ({ principal }: Addresses, facts: CalendarFacts): Properties =>
  new Map([
    ['d:resourcetype', empty(['d:collection', 'c:calendar'])],
    ['d:displayname', escapeXml(facts.displayName)],
    ['d:current-user-principal', href(principal)],
    ['d:owner', href(principal)],
    ['d:current-user-privilege-set', privileges(facts.writable)],
    [
      'd:supported-report-set',
      reports(['c:calendar-query', 'c:calendar-multiget', ...(facts.syncToken === null ? [] : ['d:sync-collection'])]),
    ],
    ['c:supported-calendar-component-set', '<c:comp name="VEVENT"/>'],
    ['c:supported-calendar-data', '<c:calendar-data content-type="text/calendar" version="2.0"/>'],
    ['c:calendar-timezone', escapeXml(facts.timeZone)],
    ['ical:calendar-color', `${facts.color}ff`],
    ...(facts.ctag === null ? [] : [['cs:getctag', escapeXml(facts.ctag)] as const]),
    ...(facts.syncToken === null ? [] : [['d:sync-token', escapeXml(facts.syncToken)] as const]),
  ]);

export const objectProperties = (object: Readonly<{ etag: string; ics: string }>, hasEtag: boolean): Properties =>
  new Map([
    ['d:resourcetype', ''],
    ...(hasEtag ? [['d:getetag', escapeXml(object.etag)] as const] : []),
    ['d:getcontenttype', 'text/calendar; charset=utf-8; component=VEVENT'],
    ['d:getcontentlength', String(new TextEncoder().encode(object.ics).length)],
  ]);
