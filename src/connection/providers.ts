/** What can be connected, with the colours the product gives each kind; `available` is false for what this release does not read yet. */
export const PROVIDER_LIST = [
  {
    provider: 'google',
    name: 'Google Calendar',
    color: 'blue',
    connect: 'oauth',
    available: false,
    help: 'Not available in this release.',
  },
  {
    provider: 'microsoft',
    name: 'Outlook / Microsoft 365',
    color: 'red',
    connect: 'oauth',
    available: false,
    help: 'Not available in this release.',
  },
  {
    provider: 'apple',
    name: 'Apple iCloud',
    color: 'grey',
    connect: 'credentials',
    available: true,
    help: 'Make an app-specific password at account.apple.com (Sign-In and Security) and send it with your Apple Account e-mail address.',
  },
  {
    provider: 'caldav',
    name: 'CalDAV',
    color: 'grey',
    connect: 'credentials',
    available: true,
    help: 'Send the address of the server, and the user name and password you use there.',
  },
] as const;
