import { isIanaZone } from '../../time/time-zone.js';
import { type DiscoveredCalendar, type Discovery, ProviderFault } from '../calendar-provider.js';
import { type Secret } from '../../kernel/vault.js';
import { oneLine, plainText } from '../plain-text.js';
import { type GoogleApi } from './google.api.js';
import { type GoogleCalendar, readCalendar, readPage } from './google.wire.js';

/** The most that one page may hold (Google's reference of calendarList.list). */
const PAGE = 250;

/** As many as one event about an account can carry. */
const MOST_CALENDARS = 250;

const LONGEST_NAME = 500;

/** Roles that may change events; a role that is not known reads. */
const WRITERS = ['owner', 'writer', 'writerWithoutPrivateAccess'];

const nameOf = ({ id, summary, summaryOverride }: GoogleCalendar): string =>
  (oneLine(plainText(summaryOverride ?? '')) ?? oneLine(plainText(summary ?? '')) ?? id).slice(0, LONGEST_NAME);

const calendarOf = (line: GoogleCalendar): DiscoveredCalendar => ({
  remoteId: line.id,
  address: line.id,
  name: nameOf(line),
  color: /^#[0-9a-f]{6}$/i.exec(line.backgroundColor ?? '')?.[0].toLowerCase() ?? null,
  writable: WRITERS.includes(line.accessRole ?? ''),
  busyOnly: line.accessRole === 'freeBusyReader',
  timeZone: line.timeZone !== null && isIanaZone(line.timeZone) ? line.timeZone : null,
});

const listAll = async ({ read }: GoogleApi): Promise<readonly GoogleCalendar[]> => {
  const found = new Map<string, GoogleCalendar>();
  const asked = new Set<string>();
  for (let pageToken: string | null = null; ;) {
    const next = pageToken === null ? {} : { pageToken };
    const answer = await read((api, options) => api.calendarList.list({ maxResults: PAGE, ...next }, options), {
      syncToken: false,
      pageToken: pageToken !== null,
    });
    const page = readPage(answer, 'calendar#calendarList');
    for (const line of page.items.map(readCalendar)) found.set(line.id, line);
    pageToken = page.nextPageToken;
    if (pageToken === null) return [...found.values()];
    if (asked.has(pageToken)) throw new ProviderFault('malformed', 'Google’s list of calendars does not end');
    asked.add(pageToken);
  }
};

/** Faults in the words of an account: that a list cannot be gone on with or is not there says nothing about a calendar. */
const ofAccount = (error: unknown): unknown =>
  error instanceof ProviderFault && (error.fault === 'cursor-expired' || error.fault === 'calendar-gone')
    ? new ProviderFault('malformed', 'Google’s list of calendars cannot be read')
    : error;

/** What its owner took off the list, or hid from it, is not offered. The primary calendar comes first. */
const shown = (lines: readonly GoogleCalendar[]): readonly GoogleCalendar[] =>
  lines.filter(({ deleted, hidden, primary }) => !deleted && (!hidden || primary)).sort((a, b) => Number(b.primary) - Number(a.primary));

/** The account by its id_token, else by its primary calendar, whose id is the address of the account. */
const accountIn = (secret: Secret, lines: readonly GoogleCalendar[]): Pick<Discovery, 'accountId' | 'accountName'> => {
  const primary = lines.find((line) => line.primary)?.id;
  const accountId = secret['subject'] ?? primary;
  if (accountId === undefined) throw new ProviderFault('malformed', 'Google does not say whose account this is');
  return { accountId, accountName: secret['email'] ?? primary ?? accountId };
};

/** `secret`: as it is after the list was read. */
export const discoverGoogle = async (api: GoogleApi, secret: () => Promise<Secret>): Promise<Discovery> => {
  try {
    const lines = await listAll(api);
    const calendars = shown(lines).map(calendarOf);
    if (calendars.length > MOST_CALENDARS) throw new ProviderFault('malformed', `the account has more than ${MOST_CALENDARS} calendars`);
    return { ...accountIn(await secret(), lines), calendars };
  } catch (error) {
    throw ofAccount(error);
  }
};
