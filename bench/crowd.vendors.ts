import { type Sandbox, startSandbox } from '../src/embedded/caldav.sandbox.js';
import { type GoogleSandbox, startGoogleSandbox } from '../src/embedded/google.sandbox.js';
import { MICROSOFT_SANDBOX_CLIENT, type MicrosoftSandbox, startMicrosoftSandbox } from '../src/embedded/microsoft.sandbox.js';
import { systemClock } from '../src/infra/system.clock.js';
import { zoneOrUtc } from '../src/time/time-zone.js';
import { icsOf, type Item, type Wall, type ZoneName } from '../test/support/calendar-item.js';
import { eventsOf as googleEventsOf } from '../test/support/google-entries.js';
import { eventsOf as microsoftEventsOf } from '../test/support/microsoft-entries.js';
import { TENANT } from '../test/support/microsoft-sandbox.js';
import { emptyCalendar } from '../test/support/sandbox.js';
import { fileOf } from '../test/support/seed.js';
import { LATENCY } from './account.vendor.js';
import { type Change } from './crowd.changes.js';
import { type CrowdPerson } from './crowd.people.js';

/** One request that a simulator answered, or cut off; `at` as `performance.now()` has it. */
export type Asked = Readonly<{ account: string; path: string; status: number; cut: boolean; at: number }>;

/** The simulators of all services, in this process. Each request takes 40 ms. */
export type Vendors = Readonly<{
  /** What tells the service where they are. */
  settings: Readonly<Record<string, string>>;
  password: string;
  caldavUrl: string;
  apply: (person: CrowdPerson, calendar: string, change: Change) => void;
  /** Places to read on from are not known any more. */
  forget: (person: CrowdPerson, calendar: string) => void;
  /** Access tokens end before their time. */
  expire: (person: CrowdPerson) => void;
  /**
   * In this share of requests each: 429, 503, answers that break off. Refresh tokens rotate at Microsoft, where the old ones stay good: a vendor that ends
   * the old one with an answer that breaks off has locked its own user out.
   */
  suffer: (share: number) => void;
  recover: () => void;
  /** The calendar that a subscription of Microsoft's is of; null for none that lives. */
  calendarOf: (subscription: string) => string | null;
  stop: () => Promise<void>;
}>;

const PASSWORD = 'open sesame';

const keyOf = (uid: string): string => Buffer.from(uid).toString('hex');

const instantOf = (wall: Wall, zone: ZoneName): string =>
  new Date(zoneOrUtc(zone, {}).instantOf(wall / 1_000) * 1_000).toISOString().replace('.000', '');

type Row = Readonly<Record<string, unknown>>;

const googleRows = (item: Item): readonly Row[] => googleEventsOf(keyOf(item.uid), { ...item, takesTime: true });

/** Without instances that do not take place, which are removed apart. */
const microsoftRows = (item: Item): readonly Row[] => {
  const overrides = item.overrides.filter(({ status }) => status === 'CONFIRMED');
  return microsoftEventsOf(keyOf(item.uid), { ...item, overrides, takesTime: true }, instantOf);
};

type Seen = (asked: Asked) => void;

type Told = Readonly<{ account: string | null; path: string; status: number; cut: boolean }>;

const noting =
  (seen: Seen) =>
  ({ account, path, status, cut }: Told): void => {
    if (account !== null) seen({ account, path, status, cut, at: performance.now() });
  };

const common = { clock: systemClock, port: 0, timeZone: 'UTC', restlessness: null } as const;

const startGoogle = (people: readonly CrowdPerson[], seen: Seen): Promise<GoogleSandbox> =>
  startGoogleSandbox({
    ...common,
    seen: noting(seen),
    start: {
      people: people.map(({ email, name, calendars: [first, second] }) => ({
        ...{ email, fullName: name },
        list: [
          { calendar: first.id, accessRole: 'owner', primary: true },
          { calendar: second.id, accessRole: 'owner' },
        ],
      })),
      calendars: people.flatMap(({ calendars }) =>
        calendars.map(({ id, items }) => ({ id, summary: id, timeZone: 'UTC', events: [...items.values()].flatMap(googleRows) })),
      ),
    },
  });

const startMicrosoft = async (people: readonly CrowdPerson[], seen: Seen): Promise<MicrosoftSandbox> => {
  const sandbox = await startMicrosoftSandbox({
    ...common,
    seen: noting(seen),
    start: {
      people: people.map(({ email, name, calendars }) => ({
        ...{ email, fullName: name, tenant: TENANT, timeZone: 'UTC' },
        list: calendars.map(({ id }) => ({ calendar: id, role: 'owner' })),
      })),
      calendars: people.flatMap(({ email, name, calendars }) =>
        calendars.map(({ id }) => ({ id, name: id, owner: { name, address: email } })),
      ),
    },
  });
  for (const { calendars } of people)
    for (const { id, items } of calendars)
      for (const row of [...items.values()].flatMap(microsoftRows)) sandbox.mailboxes.putEvent(id, row);
  return sandbox;
};

const startCaldav = (people: readonly CrowdPerson[], seen: Seen): Promise<Sandbox> =>
  startSandbox({
    ...common,
    seen: noting(seen),
    accounts: people.map(({ email, name, calendars }) => ({
      ...{ username: email, password: PASSWORD, fullName: name },
      calendars: calendars.map(({ id, items }) => ({
        ...emptyCalendar(id),
        timeZone: 'UTC',
        objects: new Map([...items.values()].map((item) => [fileOf(item), icsOf(item)])),
      })),
    })),
  });

type Started = Readonly<{ google: GoogleSandbox; microsoft: MicrosoftSandbox; caldav: Sandbox }>;

/** What is written by a change: the whole, the one instance, or all of what is new. */
const rowsOf = (rows: readonly Row[], { name, override }: Change): readonly Row[] =>
  name === 'created' ? rows : rows.slice(...(override === null ? [0, 1] : [-1]));

const atGoogle = ({ calendars }: GoogleSandbox, calendar: string, change: Change): void => {
  const { uid, after } = change;
  if (after === null) calendars.removeEvent(calendar, keyOf(uid));
  else for (const row of rowsOf(googleRows(after), change)) calendars.putEvent(calendar, row);
};

const atMicrosoft = ({ mailboxes }: MicrosoftSandbox, calendar: string, change: Change): void => {
  const { uid, after, override } = change;
  const zone = after?.master.zone ?? null;
  if (after === null) mailboxes.removeEvent(calendar, keyOf(uid));
  else if (override?.status === 'CANCELLED')
    mailboxes.removeOccurrence(
      calendar,
      keyOf(uid),
      zone === null ? new Date(override.of).toISOString().slice(0, 10) : instantOf(override.of, zone),
    );
  else for (const row of rowsOf(microsoftRows(after), change)) mailboxes.putEvent(calendar, row);
};

const atCaldav = ({ accounts }: Sandbox, email: string, calendar: string, { uid, after }: Change): void => {
  const store = accounts.get(email)?.calendars.get(calendar);
  if (after === null) store?.delete(`${uid}.ics`);
  else store?.put(fileOf(after), icsOf(after));
};

const applying =
  ({ google, microsoft, caldav }: Started): Vendors['apply'] =>
  ({ kind, email }, calendar, change) => {
    if (kind === 'google') atGoogle(google, calendar, change);
    else if (kind === 'microsoft') atMicrosoft(microsoft, calendar, change);
    else atCaldav(caldav, email, calendar, change);
  };

const slow = ({ google, microsoft, caldav }: Started): void => {
  for (const on of ['api', 'token']) {
    google.switchOn({ fault: 'slow', on, milliseconds: LATENCY });
    microsoft.switchOn({ fault: 'slow', on, milliseconds: LATENCY });
  }
  caldav.switchOn({ fault: 'slow', milliseconds: LATENCY });
};

const failing = ({ google, microsoft, caldav }: Started, share: number): void => {
  google.switchOn({ fault: 'rate-limited', status: 429, reason: 'rateLimitExceeded', retryAfter: 1, share });
  microsoft.switchOn({ fault: 'throttled', retryAfter: 0.5, share });
  caldav.switchOn({ fault: 'throttled', retryAfter: 1, share });
  caldav.switchOn({ fault: 'unavailable', share });
  caldav.switchOn({ fault: 'cut', share });
  for (const on of ['api', 'token'])
    for (const fault of ['unavailable', 'cut'] as const) {
      google.switchOn({ fault, on, share });
      microsoft.switchOn({ fault, on, share });
    }
};

const settingsOf = ({ google, microsoft, caldav }: Started): Vendors['settings'] => {
  const { origin } = new URL(microsoft.url);
  const { id, secret } = MICROSOFT_SANDBOX_CLIENT;
  return {
    ...{ GOOGLE_CLIENT_ID: 'sandbox', GOOGLE_CLIENT_SECRET: 'sandbox-secret', GOOGLE_API_URL: google.url },
    ...{ GOOGLE_AUTH_URL: `${google.url}o/oauth2/v2/auth`, GOOGLE_TOKEN_URL: `${google.url}token` },
    ...{ GOOGLE_REVOKE_URL: `${google.url}revoke`, APPLE_CALDAV_URL: caldav.url },
    ...{ MICROSOFT_CLIENT_ID: id, MICROSOFT_CLIENT_SECRET: secret, MICROSOFT_LOGIN_URL: origin, MICROSOFT_GRAPH_URL: origin },
  };
};

/** Starts the simulators with everybody's calendars in them; `seen` is told of every request about an account. */
export const startVendors = async (people: readonly CrowdPerson[], seen: Seen): Promise<Vendors> => {
  const of = (...kinds: readonly CrowdPerson['kind'][]) => people.filter(({ kind }) => kinds.includes(kind));
  const started: Started = {
    google: await startGoogle(of('google'), seen),
    microsoft: await startMicrosoft(of('microsoft'), seen),
    caldav: await startCaldav(of('caldav', 'apple'), seen),
  };
  const { google, microsoft, caldav } = started;
  slow(started);
  return {
    settings: settingsOf(started),
    ...{ password: PASSWORD, caldavUrl: caldav.url, apply: applying(started) },
    forget: ({ kind, email }, calendar) => {
      if (kind === 'google') google.act({ action: 'forget-sync', calendar });
      else if (kind === 'microsoft') microsoft.act({ action: 'forget-sync', calendar });
      else caldav.switchOn({ fault: 'token-refused', account: email, calendar, times: 1 });
    },
    expire: ({ kind, email: account }) => {
      if (kind === 'google') google.act({ action: 'expire-access', account });
      if (kind === 'microsoft') microsoft.act({ action: 'expire-access', account });
    },
    suffer: (share) => {
      failing(started, share);
    },
    recover: () => {
      for (const each of [google, microsoft, caldav]) each.switchOff();
      slow(started);
    },
    calendarOf: (subscription) => microsoft.subscriptions().find(({ id }) => id === subscription)?.calendar ?? null,
    stop: async () => {
      await Promise.all([google, microsoft, caldav].map((each) => each.stop()));
    },
  };
};
