const PREFIX = 'https://www.googleapis.com/auth/';

/** What `email` and `profile` are called when they are granted. */
const ALIASES: Readonly<Record<string, string>> = { email: `${PREFIX}userinfo.email`, profile: `${PREFIX}userinfo.profile` };

const SIGN_IN = new Set(['openid', ...Object.values(ALIASES)]);

const CALENDAR_LIST = ['calendar', 'calendar.calendarlist', 'calendar.calendarlist.readonly', 'calendar.readonly'];
const EVENTS = ['calendar', 'calendar.events', 'calendar.events.readonly', 'calendar.readonly'];
const OWNED = ['calendar.events.owned', 'calendar.events.owned.readonly'];
const FREE_BUSY = ['calendar.events.freebusy'];

/** Which scopes open which method (discovery document), without the prefix. */
const OPENED_BY = {
  'calendarList.list': CALENDAR_LIST,
  'calendarList.get': CALENDAR_LIST,
  'events.list': [...EVENTS, ...OWNED, ...FREE_BUSY],
  'events.get': [...EVENTS, ...OWNED, ...FREE_BUSY],
  'events.instances': [...EVENTS, ...OWNED, ...FREE_BUSY],
  'events.watch': [...EVENTS, ...OWNED, ...FREE_BUSY],
  'channels.stop': [
    ...CALENDAR_LIST,
    ...EVENTS,
    ...OWNED,
    ...FREE_BUSY,
    'calendar.settings.readonly',
    'calendar.acls',
    'calendar.acls.readonly',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Method = keyof typeof OPENED_BY;

/** What a set of scopes allows with a method: everything, what is owned, times only, or nothing. */
export type Opening = 'all' | 'owned' | 'busy' | null;

export const openingOf = (method: Method, granted: ReadonlySet<string>): Opening => {
  const has = (scopes: readonly string[]): boolean =>
    scopes.some((scope) => OPENED_BY[method].some((each) => each === scope) && granted.has(PREFIX + scope));
  if (has(OPENED_BY[method].filter((scope) => ![...OWNED, ...FREE_BUSY].includes(scope)))) return 'all';
  if (has(OWNED)) return 'owned';
  return has(FREE_BUSY) ? 'busy' : null;
};

const WORDS: Readonly<Record<string, string>> = {
  calendar: 'See, edit, share and permanently delete all your calendars',
  'calendar.readonly': 'See and download all your calendars',
  'calendar.events': 'View and edit events on all your calendars',
  'calendar.events.readonly': 'View events on all your calendars',
  'calendar.events.owned': 'View and edit events on the calendars you own',
  'calendar.events.owned.readonly': 'View events on the calendars you own',
  'calendar.events.freebusy': 'See when the calendars you can see are free or busy',
  'calendar.freebusy': 'See when you are free or busy',
  'calendar.calendarlist': 'See, add and remove the calendars you are subscribed to',
  'calendar.calendarlist.readonly': 'See the list of the calendars you are subscribed to',
  'calendar.settings.readonly': 'View your calendar settings',
  'calendar.acls': 'See and change how your calendars are shared',
  'calendar.acls.readonly': 'See how your calendars are shared',
};

/** Words of the consent page for a scope that can be unticked; null for signing in, and for no scope of this simulator. */
export const wordsOf = (scope: string): string | null => (scope.startsWith(PREFIX) ? (WORDS[scope.slice(PREFIX.length)] ?? null) : null);

/** The scopes a request names, as they are granted; null when one of them is unknown. */
export const scopesNamed = (text: string): readonly string[] | null => {
  const named = text.split(' ').filter((scope) => scope !== '');
  const scopes = [...new Set(named.map((scope) => ALIASES[scope] ?? scope))];
  return scopes.every((scope) => SIGN_IN.has(scope) || wordsOf(scope) !== null) ? scopes : null;
};

export const isSignIn = (scope: string): boolean => SIGN_IN.has(scope);
