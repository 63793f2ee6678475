import { type Secret } from '../../src/kernel/vault.js';
import { nearHttp, nearProvider } from '../support/caldav.js';
import { icsOf } from '../support/calendar-item.js';
import { googleAccount } from '../support/google-account.js';
import { microsoftAccount } from '../support/microsoft-account.js';
import { type ProvidedAccount, type Trouble } from '../support/provided-account.js';
import { startRadicale } from '../support/radicale.js';
import { emptyCalendar, type FaultOrder, startTestSandbox } from '../support/sandbox.js';
import { holdsProviderContract } from './calendar-provider.contract.js';

const OTHER = { name: 'bob@sandbox.example', password: 'secret of bob' };

/** What both CalDAV servers of the tests have. */
type Server = Readonly<{
  url: string;
  user: string;
  password: string;
  put: (calendar: string, filename: string, ics: string) => Promise<string>;
  delete: (calendar: string, filename: string) => Promise<void>;
  stop: () => Promise<void>;
}>;

type Rest = Pick<ProvidedAccount, 'calendar' | 'forgetCursors' | 'refuse' | 'suffer' | 'recover'> &
  Readonly<{ addressOf: (calendar: string) => string }>;

const caldavAccount = (server: Server, { addressOf, ...rest }: Rest): ProvidedAccount => {
  const http = nearHttp({ retries: 1 });
  const { host } = new URL(server.url);
  const secretAt = (serverUrl: string): Secret => ({ serverUrl, username: server.user, password: server.password });
  return {
    ...rest,
    provider: nearProvider(http),
    secrets: () => [secretAt(server.url), secretAt(`HTTP://${host.toUpperCase()}`), secretAt(`${server.url}.well-known/caldav`)],
    otherSecret: () => ({ serverUrl: server.url, username: OTHER.name, password: OTHER.password }),
    wrongSecret: () => ({ ...secretAt(server.url), password: 'wrong' }),
    missingAddress: () => addressOf('no-such-calendar'),
    put: async (calendar, name, { takesTime, ...item }) =>
      server.put(addressOf(calendar), `${name}.ics`, icsOf({ ...item, lines: takesTime ? [] : ['TRANSP:TRANSPARENT'] })),
    remove: (calendar, name) => server.delete(addressOf(calendar), `${name}.ics`),
    stop: async () => {
      await http.close();
      await server.stop();
    },
  };
};

const radicale = async (): Promise<ProvidedAccount> => {
  const server = await startRadicale([{ name: 'alice', password: 'open sesame' }, OTHER]);
  let made = 0;
  const addressOf = (calendar: string): string => `${server.url}${server.user}/${calendar}/`;
  return caldavAccount(server, {
    addressOf,
    calendar: async () => {
      const name = `calendar${(made += 1)}`;
      await server.makeCalendar(name, { displayname: name });
      return name;
    },
    forgetCursors: (calendar) => server.forgetTokens(addressOf(calendar)),
    refuse: (isRefused) => server.refuse(isRefused),
    suffer: () => Promise.reject(new Error('Radicale is never in trouble')),
    recover: () => Promise.resolve(),
  });
};

const TROUBLES: Readonly<Record<Trouble, FaultOrder>> = {
  throttled: { fault: 'throttled', retryAfter: 120 },
  unavailable: { fault: 'unavailable' },
  'unreadable-object': { fault: 'malformed-object' },
};

const sandbox = async (): Promise<ProvidedAccount> => {
  const names = Array.from({ length: 60 }, (_, index) => `calendar${index + 1}`);
  const other = { username: OTHER.name, password: OTHER.password, fullName: 'Bob Anybody', calendars: [] };
  const server = await startTestSandbox(
    names.map((name) => emptyCalendar(name)),
    [other],
  );
  return caldavAccount(server, {
    addressOf: (calendar) => server.calendar(calendar),
    calendar: () => Promise.resolve(names.shift() ?? 'the sandbox has no more calendars'),
    forgetCursors: (calendar) => server.switchOn({ fault: 'token-refused', calendar, times: 1 }),
    refuse: (isRefused) => (isRefused ? server.switchOn({ fault: 'password-refused', account: server.user }) : server.switchOff()),
    suffer: (trouble) => server.switchOn(TROUBLES[trouble]),
    recover: () => server.switchOff(),
  });
};

holdsProviderContract('Radicale', radicale);
holdsProviderContract('The sandbox', sandbox, ['throttled', 'unavailable', 'unreadable-object']);
holdsProviderContract('The sandbox of Google', googleAccount, ['throttled', 'unavailable', 'unreadable-object']);
holdsProviderContract('The sandbox of Microsoft', microsoftAccount, ['throttled', 'unavailable', 'unreadable-object']);
