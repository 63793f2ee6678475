import { randomUUID } from 'node:crypto';
import { startGoogleSandbox } from '../../src/embedded/google.sandbox.js';
import { type CalendarProvider } from '../../src/provider/calendar-provider.js';
import { type Granted } from '../../src/provider/oauth.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { allowed, nearHttp } from './caldav.js';
import { eventsOf } from './google-entries.js';
import { ANN, askApi, BOB, consentOn, locationOf, REDIRECT } from './google-sandbox.js';
import { type ProvidedAccount, type Trouble } from './provided-account.js';

/** Ann has what a suite makes for her; Bob has nothing. */
const PEOPLE = {
  people: [
    { email: ANN, fullName: 'Ann Anybody', list: [{ calendar: ANN, accessRole: 'owner', primary: true }] },
    { email: BOB, fullName: 'Bob Somebody', list: [] },
  ],
  calendars: [{ id: ANN, summary: ANN, timeZone: 'America/Sao_Paulo' }],
} as const;

/** An id in Google's alphabet. */
const idOf = (name: string): string => Buffer.from(name).toString('hex');

const addressOf = (calendar: string): string => `c_${calendar}@group.calendar.google.com`;

const TROUBLES: Readonly<
  Record<Exclude<Trouble, 'unreadable-object'>, Parameters<Awaited<ReturnType<typeof startGoogleSandbox>>['switchOn']>[0]>
> = {
  throttled: { fault: 'rate-limited', retryAfter: 120 },
  unavailable: { fault: 'unavailable' },
};

/** Connects somebody by the consent page, as a browser does. */
const connected = async ({ oauth }: CalendarProvider, account: string): Promise<Granted> => {
  if (oauth === null) throw new Error('Google is connected by OAuth');
  const begun = { redirectUri: REDIRECT, state: randomUUID(), verifier: `${randomUUID()}${randomUUID()}`, access: 'read' } as const;
  const back = locationOf(await consentOn(oauth.authorizationUrl({ ...begun, loginHint: null }), { account }));
  return oauth.complete({ ...begun, parameters: back.searchParams }, allowed());
};

/** An account of the simulator of Google. */
export const googleAccount = async (): Promise<ProvidedAccount> => {
  const sandbox = await startGoogleSandbox({
    clock: { now: () => Date.now() },
    ...{ port: 0, timeZone: 'Europe/Paris', restlessness: null, start: PEOPLE },
  });
  const { url, calendars } = sandbox;
  const http = nearHttp({ retries: 1 });
  const google = {
    ...{ clientId: 'sandbox', clientSecret: 'sandbox-secret', authUrl: `${url}o/oauth2/v2/auth`, tokenUrl: `${url}token` },
    ...{ revokeUrl: `${url}revoke`, apiUrl: url },
  };
  const provider = googleProvider({ http, clock: { now: () => Date.now() }, google });
  const { secret } = await connected(provider, ANN);
  const { secret: another } = await connected(provider, ANN);
  const { secret: other } = await connected(provider, BOB);
  let made = 0;
  let last: Readonly<{ calendar: string; event: ReturnType<typeof eventsOf>[number] }> | null = null;
  return {
    provider,
    secrets: () => [secret, another],
    otherSecret: () => other,
    wrongSecret: () => ({ ...secret, accessToken: 'wrong' }),
    calendar: () => {
      const name = `calendar${(made += 1)}`;
      calendars.putCalendar({ id: addressOf(name), summary: name, timeZone: 'America/Sao_Paulo' });
      calendars.share(ANN, addressOf(name), { accessRole: 'owner' });
      return Promise.resolve(name);
    },
    missingAddress: () => addressOf('no-such-calendar'),
    put: async (calendar, name, entry) => {
      for (const event of eventsOf(idOf(name), entry)) {
        calendars.putEvent(addressOf(calendar), event);
        last = { calendar: addressOf(calendar), event };
      }
      const { json } = await askApi(
        sandbox,
        secret['accessToken'],
        `calendars/${encodeURIComponent(addressOf(calendar))}/events/${idOf(name)}`,
      );
      return String(json['etag']);
    },
    remove: (calendar, name) => {
      calendars.removeEvent(addressOf(calendar), idOf(name));
      return Promise.resolve();
    },
    forgetCursors: (calendar) => {
      sandbox.act({ action: 'forget-sync', calendar: addressOf(calendar) });
      return Promise.resolve();
    },
    refuse: (isRefused) => {
      if (isRefused) sandbox.switchOn({ fault: 'access-refused', account: ANN });
      else sandbox.switchOff();
      return Promise.resolve();
    },
    suffer: (trouble) => {
      if (trouble !== 'unreadable-object') sandbox.switchOn(TROUBLES[trouble]);
      else if (last !== null) calendars.putEvent(last.calendar, { ...last.event, start: { date: 'soon' }, end: { date: 'soon' } });
      return Promise.resolve();
    },
    recover: () => {
      sandbox.switchOff();
      if (last !== null) calendars.putEvent(last.calendar, last.event);
      return Promise.resolve();
    },
    stop: async () => {
      await http.close();
      await sandbox.stop();
    },
  };
};
