import { randomUUID } from 'node:crypto';
import { PERSONAL_TENANT } from '../../src/embedded/microsoft/account.js';
import { graphId } from '../../src/embedded/microsoft/event.js';
import {
  MICROSOFT_SANDBOX_CLIENT,
  type MicrosoftFaultOrder,
  type MicrosoftSandbox,
  startMicrosoftSandbox,
} from '../../src/embedded/microsoft.sandbox.js';
import { type CalendarProvider } from '../../src/provider/calendar-provider.js';
import { type GuardedHttp } from '../../src/provider/http/guarded.http.js';
import { microsoftProvider } from '../../src/provider/microsoft/microsoft.provider.js';
import { type Granted } from '../../src/provider/oauth.js';
import { zoneOrUtc } from '../../src/time/time-zone.js';
import { allowed, nearHttp } from './caldav.js';
import { type Wall, type ZoneName } from './calendar-item.js';
import { eventsOf } from './microsoft-entries.js';
import { ALWAYS, ANN, askGraph, BOB, consentOn, HOME, locationOf, OTHER_TENANT, REDIRECT, TENANT } from './microsoft-sandbox.js';
import { type ProvidedAccount, type Trouble } from './provided-account.js';

export const NOMAIL = 'nomail@people.example';
export const STRICT = 'strict@people.example';

const ann = { name: 'Ann Anybody', address: ANN };

/** Every mailbox has a calendar that is not removed. */
const OWN = 'AQMkDefault==';

/** Ann has what a suite makes for her; Bob has nothing. */
const PEOPLE = {
  people: [
    {
      email: ANN,
      fullName: 'Ann Anybody',
      tenant: TENANT,
      timeZone: 'E. South America Standard Time',
      list: [{ calendar: OWN, role: 'owner' as const }],
    },
    { email: BOB, fullName: 'Bob Somebody', tenant: TENANT, timeZone: 'UTC', list: [] },
    { email: NOMAIL, fullName: 'Nil Nomail', tenant: TENANT, timeZone: 'UTC', mailbox: false, list: [] },
    { email: STRICT, fullName: 'Stan Strict', tenant: OTHER_TENANT, timeZone: 'UTC', needsAdmin: true, list: [] },
    { email: HOME, fullName: 'Hope Home', tenant: PERSONAL_TENANT, timeZone: 'UTC', list: [] },
  ],
  calendars: [{ id: OWN, name: 'Calendar', owner: ann }],
};

const instantOf = (wall: Wall, zone: ZoneName | 'UTC'): string =>
  new Date(zoneOrUtc(zone, {}).instantOf(wall / 1_000) * 1_000).toISOString().replace('.000', '');

const connected = async ({ oauth }: CalendarProvider, account: string): Promise<Granted> => {
  if (oauth === null) throw new Error('Microsoft is connected by OAuth');
  const begun = { redirectUri: REDIRECT, state: randomUUID(), verifier: `${randomUUID()}${randomUUID()}`, access: 'read' } as const;
  const back = locationOf(await consentOn(oauth.authorizationUrl({ ...begun, loginHint: null }), { account }));
  return oauth.complete({ ...begun, parameters: back.searchParams }, allowed());
};

/** What suites of Microsoft alone use beside. `again`: connects Ann once more. */
export type MicrosoftAccount = ProvidedAccount &
  Readonly<{
    sandbox: MicrosoftSandbox;
    addressOf: (calendar: string) => string;
    again: (account?: string) => Promise<Granted>;
    /** The same service, reached by another process. */
    providerOver: (http: GuardedHttp) => CalendarProvider;
    /** Bob's calendar, as he shares it with Ann. */
    shared: (role?: 'read' | 'freeBusyRead') => string;
  }>;

const TROUBLES: Readonly<Record<Trouble, MicrosoftFaultOrder>> = {
  throttled: { fault: 'throttled', retryAfter: 120 },
  unavailable: { fault: 'unavailable' },
  'unreadable-object': { fault: 'senseless-times' },
};

/** An account of the simulator of Microsoft. */
export const microsoftAccount = async (): Promise<MicrosoftAccount> => {
  const sandbox = await startMicrosoftSandbox({
    clock: { now: () => Date.now() },
    ...{ port: 0, timeZone: 'Europe/Paris', restlessness: null, start: PEOPLE },
  });
  const { url, mailboxes } = sandbox;
  const http = nearHttp({ retries: 1 });
  const { origin } = new URL(url);
  const { id: clientId, secret: clientSecret } = MICROSOFT_SANDBOX_CLIENT;
  const microsoft = { clientId, clientSecret, tenant: 'common', loginUrl: origin, graphUrl: origin };
  const providerOver = (over: GuardedHttp) => microsoftProvider({ http: over, clock: { now: () => Date.now() }, microsoft });
  const provider = providerOver(http);
  const { secret } = await connected(provider, ANN);
  const { secret: another } = await connected(provider, ANN);
  const { secret: other } = await connected(provider, BOB);
  let made = 0;
  const addressOf = (calendar: string): string => `AQMk/${calendar}==`;
  const keyOf = (calendar: string, name: string): string => Buffer.from(`${calendar} ${name}`).toString('hex');
  return {
    sandbox,
    addressOf,
    providerOver,
    again: (account = ANN) => connected(provider, account),
    shared: (role = 'read') => {
      const name = `shared${(made += 1)}`;
      mailboxes.putCalendar({ id: addressOf(name), name, owner: { name: 'Bob Somebody', address: BOB } });
      mailboxes.share(BOB, addressOf(name), { role: 'owner' });
      mailboxes.share(ANN, addressOf(name), { role });
      return name;
    },
    provider,
    secrets: () => [secret, another],
    otherSecret: () => other,
    wrongSecret: () => ({ ...secret, accessToken: 'wrong' }),
    calendar: () => {
      const name = `calendar${(made += 1)}`;
      mailboxes.putCalendar({ id: addressOf(name), name, owner: ann });
      mailboxes.share(ANN, addressOf(name), { role: 'owner' });
      return Promise.resolve(name);
    },
    missingAddress: () => addressOf('no-such-calendar'),
    put: async (calendar, name, entry) => {
      const key = keyOf(calendar, name);
      for (const event of eventsOf(key, entry, instantOf)) mailboxes.putEvent(addressOf(calendar), event);
      for (const of of entry.exdates) mailboxes.removeOccurrence(addressOf(calendar), key, instantOf(of, entry.master.zone ?? 'UTC'));
      const path = `me/calendars/${encodeURIComponent(addressOf(calendar))}/events/${encodeURIComponent(graphId(key, true))}`;
      const { json } = await askGraph(sandbox, secret['accessToken'], path, { prefer: ALWAYS });
      return String(json['@odata.etag']);
    },
    remove: (calendar, name) => {
      mailboxes.removeEvent(addressOf(calendar), keyOf(calendar, name));
      return Promise.resolve();
    },
    forgetCursors: (calendar) => {
      mailboxes.forgetSync(addressOf(calendar));
      return Promise.resolve();
    },
    refuse: (isRefused) => {
      if (isRefused) sandbox.switchOn({ fault: 'access-refused', account: ANN });
      else sandbox.switchOff();
      return Promise.resolve();
    },
    suffer: (trouble) => {
      sandbox.switchOn(TROUBLES[trouble]);
      return Promise.resolve();
    },
    recover: () => {
      sandbox.switchOff();
      return Promise.resolve();
    },
    stop: async () => {
      await http.close();
      await sandbox.stop();
    },
  };
};
