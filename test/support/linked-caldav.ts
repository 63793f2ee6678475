import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { startSandbox } from '../../src/embedded/caldav.sandbox.js';
import { type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { type Clockwork, clockworkOf, type Person } from './linked-service.js';
import { emptyCalendar, type FaultOrder } from './sandbox.js';
import { type Service, startService } from './service.js';
import { eventually } from './store.js';

const PASSWORD = 'open sesame';

/** iCalendar texts by file name, of each calendar by its name, of each account. */
export type Shelves = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/** The whole service beside a CalDAV server in which nothing changes by itself, at whose door every request is seen. Apple's accounts are there too. */
export type CaldavLinked = Readonly<{
  service: Service;
  clockwork: Clockwork;
  door: FaultProxy;
  /** Requests about an account, and one of its calendars. */
  seenOf: (account: string, calendar?: string) => FaultProxy['seen'];
  put: (account: string, calendar: string, file: string, ics: string) => Promise<void>;
  remove: (account: string, calendar: string, file: string) => Promise<void>;
  /** Only these faults from now on. */
  suffer: (...faults: readonly FaultOrder[]) => Promise<void>;
  /** Connects the account of a person; answers the connection when its calendars were read. */
  link: (person: Person, account: string, provider?: 'caldav' | 'apple') => Promise<ConnectionView>;
  credentialsOf: (account: string) => Readonly<{ username: string; password: string }>;
  stop: () => Promise<void>;
}>;

/** Tests of accounts of their own, at a service that others are tested at as well. */
export type CaldavSuite = Readonly<{ title: string; shelves: Shelves; suite: (linked: () => CaldavLinked) => void }>;

const userOf = (account: string): string => `${account}@sandbox.example`;

export const startCaldavLinked = async (shelves: Shelves, settings: Readonly<Record<string, string>> = {}): Promise<CaldavLinked> => {
  const accounts = Object.entries(shelves).map(([account, calendars]) => ({
    ...{ username: userOf(account), password: PASSWORD, fullName: account },
    calendars: Object.entries(calendars).map(([name, objects]) => ({ ...emptyCalendar(name), objects: new Map(Object.entries(objects)) })),
  }));
  const clock = { now: () => Date.now() };
  const sandbox = await startSandbox({ clock, port: 0, timeZone: 'Europe/Paris', restlessness: null, accounts });
  const door = await startFaultProxy(sandbox.url);
  const service = await startService({ APPLE_CALDAV_URL: door.url, POLL_SECONDS: '600', ...settings });
  const credentialsOf: CaldavLinked['credentialsOf'] = (account) => ({ username: userOf(account), password: PASSWORD });
  const pathOf = (account: string, calendar: string, file = ''): string =>
    `dav/calendars/${encodeURIComponent(userOf(account))}/${encodeURIComponent(calendar)}/${encodeURIComponent(file)}`;
  const change = async (method: string, path: string, account: string | null, body?: string): Promise<void> => {
    const type = account === null ? 'application/json' : 'text/calendar';
    const authorization = `Basic ${Buffer.from(`${userOf(account ?? '')}:${PASSWORD}`).toString('base64')}`;
    const answer = await fetch(sandbox.url + path, {
      ...{ method, headers: { authorization, 'content-type': type } },
      ...(body === undefined ? {} : { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  };
  return {
    ...{ service, clockwork: clockworkOf(service), door, credentialsOf },
    seenOf: (account, calendar = '') => {
      const path = `/${pathOf(account, calendar)}`.replace(/\/+$/, '/');
      return door.seen.filter((seen) => seen.path.startsWith(path));
    },
    put: (account, calendar, file, ics) => change('PUT', pathOf(account, calendar, file), account, ics),
    remove: (account, calendar, file) => change('DELETE', pathOf(account, calendar, file), account),
    suffer: async (...faults) => {
      await change('DELETE', 'sandbox/faults', null);
      for (const { account, ...fault } of faults)
        await change(
          'POST',
          'sandbox/faults',
          null,
          JSON.stringify({ ...fault, ...(account === undefined ? {} : { account: userOf(account) }) }),
        );
    },
    link: async (person, account, provider = 'caldav') => {
      const credentials = { ...credentialsOf(account), ...(provider === 'apple' ? {} : { serverUrl: door.url }) };
      const { status, body } = await person.request<ConnectionView>('POST', '/v1/calendar/connections', {
        ...{ provider, consent: true, credentials },
      });
      if (status > 202) throw new Error(`connecting answered ${status}: ${JSON.stringify(body)}`);
      return eventually('its calendars were read', async () => {
        const view = await person.view(body.connectionId);
        return view.calendars.length > 0 && !['pending', 'syncing'].includes(view.status) && view;
      });
    },
    stop: async () => {
      await service.stop();
      await door.stop();
      await sandbox.stop();
    },
  };
};
