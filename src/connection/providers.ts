import { type ProviderName } from '../provider/names.js';

/** What can be connected, with the colours the product gives each kind; `help` says how. */
export const PROVIDER_LIST = [
  {
    provider: 'google',
    name: 'Google Calendar',
    color: 'blue',
    connect: 'oauth',
    help: 'Begin, and send the person to the address that is answered; Google asks them for their consent there.',
  },
  {
    provider: 'microsoft',
    name: 'Outlook / Microsoft 365',
    color: 'red',
    connect: 'oauth',
    help: 'Not available in this release.',
  },
  {
    provider: 'apple',
    name: 'Apple iCloud',
    color: 'grey',
    connect: 'credentials',
    help: 'Make an app-specific password at account.apple.com (Sign-In and Security) and send it with your Apple Account e-mail address.',
  },
  {
    provider: 'caldav',
    name: 'CalDAV',
    color: 'grey',
    connect: 'credentials',
    help: 'Send the address of the server, and the user name and password you use there.',
  },
] as const;

/** What the product calls a kind of account. */
export const nameOf = (wanted: ProviderName): string => PROVIDER_LIST.find(({ provider }) => provider === wanted)?.name ?? wanted;

const UNAVAILABLE: Readonly<Partial<Record<ProviderName, string>>> = {
  google: 'Not configured here: the operator has to set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.',
};

/** The list, with what is available here. */
export const providersHere = (has: (provider: ProviderName) => boolean) =>
  PROVIDER_LIST.map(({ help, ...listed }) => {
    const available = has(listed.provider);
    return { ...listed, available, help: available ? help : (UNAVAILABLE[listed.provider] ?? help) };
  });
