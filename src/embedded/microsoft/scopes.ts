const GRAPH = 'https://graph.microsoft.com/';

/** Who somebody is; they go with every grant, and `offline_access` is told of by a refresh token alone. */
const SIGN_IN = ['openid', 'profile', 'email', 'offline_access'] as const;

const WORDS: Readonly<Record<string, string>> = {
  'User.Read': 'Sign you in and read your profile',
  'Calendars.ReadBasic': 'Read the basic details of your calendars',
  'Calendars.Read': 'Read your calendars',
  'Calendars.Read.Shared': 'Read calendars you can access',
  'Calendars.ReadWrite': 'Have full access to your calendars',
  'Calendars.ReadWrite.Shared': 'Read and write to your and shared calendars',
  'MailboxSettings.Read': 'Read your mailbox settings',
  'MailboxSettings.ReadWrite': 'Read and write to your mailbox settings',
  offline_access: 'Maintain access to data you have given it access to',
  openid: 'Sign you in',
  profile: 'View your basic profile',
  email: 'View your email address',
};

const NAMES = new Map(Object.keys(WORDS).map((name) => [name.toLowerCase(), name]));

const bare = (scope: string): string => (scope.toLowerCase().startsWith(GRAPH) ? scope.slice(GRAPH.length) : scope);

/** The scopes a request names, in their own spelling and without the resource; null when one of them is unknown. */
export const scopesNamed = (text: string): readonly string[] | null => {
  const named = text.split(' ').filter((scope) => scope !== '');
  const scopes = named.map((scope) => NAMES.get(bare(scope).toLowerCase()) ?? null);
  return scopes.includes(null) ? null : [...new Set(scopes.filter((scope) => scope !== null))];
};

export const wordsOf = (scope: string): string => WORDS[scope] ?? scope;

/** As the token endpoint tells them: of work accounts with the resource, of personal ones without, and never `offline_access`. */
export const grantedText = (scopes: readonly string[], isPersonal: boolean): string =>
  scopes
    .filter((scope) => scope !== 'offline_access')
    .map((scope) => (isPersonal || SIGN_IN.some((each) => each === scope) ? scope : GRAPH + scope))
    .join(' ');

const CALENDARS_READ = ['Calendars.Read', 'Calendars.Read.Shared', 'Calendars.ReadWrite', 'Calendars.ReadWrite.Shared'] as const;

/** What a kind of request needs one of. */
const OPENED_BY = {
  profile: ['User.Read'],
  settings: ['MailboxSettings.Read', 'MailboxSettings.ReadWrite'],
  read: [...CALENDARS_READ, 'Calendars.ReadBasic'],
  subscribe: CALENDARS_READ,
  write: ['Calendars.ReadWrite', 'Calendars.ReadWrite.Shared'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Need = keyof typeof OPENED_BY;

export const opens = (granted: readonly string[], need: Need): boolean => OPENED_BY[need].some((scope) => granted.includes(scope));

const SHARED: readonly string[] = ['Calendars.Read.Shared', 'Calendars.ReadWrite.Shared'];

/** Whether calendars of others are open too. */
export const opensShared = (granted: readonly string[]): boolean => SHARED.some((scope) => granted.includes(scope));

/** Of what was asked for, what an account can grant: nothing that others share where it is a personal one. */
export const grantable = (scopes: readonly string[], isPersonal: boolean): readonly string[] =>
  isPersonal ? scopes.filter((scope) => !SHARED.includes(scope)) : scopes;

/** No more than the basic details. */
export const isBasic = (granted: readonly string[]): boolean => !CALENDARS_READ.some((scope) => granted.includes(scope));
