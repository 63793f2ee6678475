import { type Secret } from '../../kernel/vault.js';
import { type DiscoveredCalendar, type Discovery, ProviderFault } from '../calendar-provider.js';
import { oneLine, plainText } from '../plain-text.js';
import { pathOf } from './graph-link.js';
import { type GraphApi } from './graph.api.js';
import { type GraphCalendar, readCalendar, readPage } from './graph.wire.js';

const PAGE = 100;

/** As many as one event about an account can carry. */
const MOST_CALENDARS = 250;

const LONGEST_NAME = 500;

/** Colours that a calendar is only named by, as Outlook on the web draws them. */
const COLORS: Readonly<Record<string, string>> = {
  ...{ lightBlue: '#a6d1f5', lightGreen: '#87d28e', lightOrange: '#fcab73', lightGray: '#c0c0c0', lightYellow: '#ffee65' },
  ...{ lightTeal: '#4adacc', lightPink: '#f08cc0', lightBrown: '#cca58c', lightRed: '#f88c9b', maxColor: '#8c8c8c' },
};

const colorOf = ({ hexColor, color }: GraphCalendar): string | null =>
  /^#[0-9a-f]{6}$/i.exec(hexColor ?? '')?.[0].toLowerCase() ?? COLORS[color ?? ''] ?? null;

const nameOf = ({ id, name }: GraphCalendar): string => (oneLine(plainText(name ?? '')) ?? id).slice(0, LONGEST_NAME);

/**
 * Graph states no zone of a calendar; whole days are read in the owner's. Nor does it state how much of a calendar is shared: permissions are listed for
 * its owner alone. What of it may not be read comes without a title, and is shown as time that is taken.
 */
const calendarOf = (line: GraphCalendar): DiscoveredCalendar => ({
  ...{ remoteId: line.id, address: line.id, name: nameOf(line), color: colorOf(line) },
  ...{ writable: line.canEdit, busyOnly: false, timeZone: null },
});

const listAll = async ({ read }: GraphApi, graphUrl: string): Promise<readonly GraphCalendar[]> => {
  const found = new Map<string, GraphCalendar>();
  const asked = new Set<string>();
  for (let path: string | null = `/me/calendars?$top=${PAGE}`; path !== null;) {
    if (asked.has(path)) throw new ProviderFault('malformed', 'Microsoft’s list of calendars does not end');
    asked.add(path);
    const { value, nextLink } = readPage(await read(path));
    for (const line of value.map(readCalendar)) found.set(line.id, line);
    path = nextLink === null ? null : pathOf(graphUrl, nextLink);
  }
  return [...found.values()];
};

/** A list of calendars that is not there says nothing about a calendar. */
const ofAccount = (error: unknown): unknown =>
  error instanceof ProviderFault && error.fault === 'calendar-gone'
    ? new ProviderFault('malformed', 'Microsoft’s list of calendars cannot be read')
    : error;

/** `secret`: as it is after the list was read. An account without a mailbox is `forbidden`. */
export const discoverMicrosoft = async (api: GraphApi, graphUrl: string, secret: () => Promise<Secret>): Promise<Discovery> => {
  try {
    const lines = await listAll(api, graphUrl);
    if (lines.length > MOST_CALENDARS) throw new ProviderFault('malformed', `the account has more than ${MOST_CALENDARS} calendars`);
    const { subject: accountId, email } = await secret();
    if (accountId === undefined) throw new ProviderFault('malformed', 'Microsoft does not say whose account this is');
    const calendars = [...lines].sort((a, b) => Number(b.isDefaultCalendar) - Number(a.isDefaultCalendar)).map(calendarOf);
    return { accountId, accountName: email ?? accountId, calendars };
  } catch (error) {
    throw ofAccount(error);
  }
};
