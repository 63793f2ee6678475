import { DAY, HOUR, MINUTE } from '../kernel/clock.js';
import { type Abilities, LONGEST_WAIT } from './abilities.js';

/** What something means to a person, and what they can do about it; null when nothing need be done. */
export type Words = Readonly<{ reason: string; nextStep: string | null }>;

/** What this service knows of a kind of calendar service, beside its adapter. */
export type ProviderEntry = Abilities &
  Readonly<{
    name: string;
    /** The product's colour of the kind. */
    color: 'blue' | 'red' | 'grey';
    /** Whether there is an adapter for it in this release. */
    isReleased: boolean;
    /**
     * How an account is connected: at the service's own pages, or by user name and password, where its owner may have to name the server too. `signIn`:
     * a person may sign in at the service's own pages before the password, where the operator has set that up.
     */
    connect: Readonly<{ by: 'oauth' } | { by: 'password'; server: 'named' | 'known'; signIn: boolean }>;
    /** Whether access to an account covers writing, or its owner has to grant that as well. */
    write: 'with-account' | 'granted-apart';
    /**
     * What this service can end at the calendar service when a connection is revoked: `whole-account` the grant of every connection to the account,
     * since there is one for each account and client; `nothing` only its owner can, there.
     */
    givesBack: 'whole-account' | 'nothing';
    /** Requests a minute that are made of one account at most, by all processes together; at least two. */
    requestsAMinute: number;
    /** Requests that are under way to one account at a time at most, by all processes together; null: they are not counted. */
    requestsAtOnce: number | null;
    /** Milliseconds after which a calendar is read whole again at the latest. */
    generationLife: number;
    /** Which calendars take long together: those of a host that owners name, or those of one account, where a whole service is behind one address. */
    crowd: keyof typeof RUNS_AT_ONCE;
    words: Readonly<{
      /** How to connect. */
      help: string;
      /** Why it cannot be connected here, where the operator has not set it up. */
      missing: string;
      /** Said when user name or password is refused. */
      refused: string;
      /** What it means that a stored access is not accepted any more and the service does not say why. */
      revoked: Words;
      /** Said after a revoke where only the owner can end at the service what they allowed there. */
      left?: Words;
      /** Said between the sign-in and the password. */
      signedIn?: Words;
    }>;
  }>;

/**
 * How many calendars are read at once: of an account by all processes together, because vendors throttle accounts; of a host by each process, because
 * it may be a small machine of few people.
 */
export const RUNS_AT_ONCE = { account: 2, host: 4 } as const;

/** Calendars that cannot be watched are those that seldom change: holidays, birthdays. */
const WITH_PUSH = { pushed: HOUR, polled: 5 * MINUTE, unwatchable: LONGEST_WAIT } as const;

const GENERATION_LIFE = 14 * DAY;

/** What a person does who was at the service's own pages: these services do not say which of the causes it was. */
const goneAt = (name: string): Words => ({
  reason: `${name} no longer accepts the access you gave: it was taken back there, it expired, or the password of the account was changed.`,
  nextStep: 'Connect again and allow the access there.',
});

const NOT_HERE = 'Not available in this release.';

/**
 * Every kind of calendar service, by the name it has in stored events, rows and the API. To add one, follow “Where do I add a provider?” in
 * ARCHITECTURE.md. Requests: Google's are quotas of the Calendar API, 1,000,000 a day and project since May 2026, and 600 a minute of one user
 * (developers.google.com/workspace/calendar/api/guides/quota); Graph counts 10,000 in ten minutes for each mailbox
 * (learn.microsoft.com/graph/throttling-limits), and answers four of one program at a time. Three are made at a time, of readings, of looking for
 * calendars and of channels together, also where several people have connected the same account. Apple states no number and answers 503; 240 a minute is
 * what other programs that read iCloud keep to (keeper.sh issue 890). Other CalDAV servers get more, because some of them bring one object a request.
 */
export const REGISTRY = {
  google: {
    name: 'Google Calendar',
    color: 'blue',
    isReleased: true,
    connect: { by: 'oauth' },
    write: 'granted-apart',
    givesBack: 'whole-account',
    sweeps: WITH_PUSH,
    requestsADay: 1_000_000,
    requestsAMinute: 600,
    requestsAtOnce: null,
    generationLife: GENERATION_LIFE,
    crowd: 'account',
    words: {
      help: 'Begin, and send the person to the address that is answered; Google asks them for their consent there.',
      missing: 'Not configured here: the operator has to set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.',
      refused: 'Google gives no access to the calendars of this account.',
      revoked: goneAt('Google'),
    },
  },
  microsoft: {
    name: 'Outlook / Microsoft 365',
    color: 'red',
    isReleased: true,
    connect: { by: 'oauth' },
    write: 'granted-apart',
    givesBack: 'nothing',
    sweeps: WITH_PUSH,
    requestsADay: null,
    requestsAMinute: 1_000,
    requestsAtOnce: 3,
    // Outlook forgets places to read on from whenever it likes: read whole each day, a calendar loses nothing by it.
    generationLife: DAY,
    crowd: 'account',
    words: {
      help: 'Begin, and send the person to the address that is answered; Microsoft asks them for their consent there.',
      missing: 'Not configured here: the operator has to set MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET.',
      refused: 'Microsoft gives no access to the calendars of this account.',
      revoked: goneAt('Microsoft'),
      left: {
        reason:
          'Nothing more is read, and what was stored is deleted, the access among it. Microsoft still lists the permission you gave: programs cannot give it back.',
        nextStep:
          'To take it off that list: myapps.microsoft.com for an account of work or school, account.live.com/consent/Manage for a personal one.',
      },
    },
  },
  apple: {
    name: 'Apple iCloud',
    color: 'grey',
    isReleased: true,
    connect: { by: 'password', server: 'known', signIn: true },
    write: 'with-account',
    givesBack: 'nothing',
    sweeps: null,
    requestsADay: null,
    requestsAMinute: 240,
    requestsAtOnce: null,
    generationLife: GENERATION_LIFE,
    crowd: 'account',
    words: {
      help: 'Make an app-specific password at account.apple.com (Sign-In and Security) and send it with your Apple Account e-mail address.',
      missing: NOT_HERE,
      refused: 'Apple refused this user name or password. iCloud takes an app-specific password, made at account.apple.com.',
      revoked: {
        reason: 'Apple no longer accepts the stored app-specific password; it ends when the Apple Account password changes.',
        nextStep: 'Make a new app-specific password at account.apple.com and connect again with it.',
      },
      signedIn: {
        reason:
          'You are signed in with Apple. That shows who you are; Apple opens calendars to other programs by an app-specific password alone.',
        nextStep:
          'Make an app-specific password at account.apple.com (Sign-In and Security) and give it here, with the e-mail address of your Apple Account.',
      },
    },
  },
  caldav: {
    name: 'CalDAV',
    color: 'grey',
    isReleased: true,
    connect: { by: 'password', server: 'named', signIn: false },
    write: 'with-account',
    givesBack: 'nothing',
    sweeps: null,
    requestsADay: null,
    requestsAMinute: 600,
    requestsAtOnce: null,
    generationLife: GENERATION_LIFE,
    crowd: 'host',
    words: {
      help: 'Send the address of the server, and the user name and password you use there.',
      missing: NOT_HERE,
      refused: 'The calendar server refused this user name or password.',
      revoked: {
        reason: 'The calendar service no longer accepts the stored password.',
        nextStep: 'Connect again with the password you use there now.',
      },
    },
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;

export type ProviderName = keyof typeof REGISTRY;

/** The entry of a provider. A name that this program does not know, from a row that a newer program wrote, gets the entry of CalDAV. */
export const entryOf = (provider: string): ProviderEntry =>
  Object.hasOwn(REGISTRY, provider) ? REGISTRY[provider as ProviderName] : REGISTRY.caldav;

/** How many calendars of a crowd one process reads at once. A host is known by its name after `//`, an account by anything else. */
export const runsOf = (crowd: string): number => (crowd.startsWith('//') ? RUNS_AT_ONCE.host : RUNS_AT_ONCE.account);
