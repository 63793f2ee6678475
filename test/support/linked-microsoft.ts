import { type ConnectionView, type Redirect } from '../../src/connection/connection.contract.js';
import {
  MICROSOFT_SANDBOX_CLIENT,
  type MicrosoftFaultOrder,
  type MicrosoftSandbox,
  startMicrosoftSandbox,
} from '../../src/embedded/microsoft.sandbox.js';
import { type Clockwork, clockworkOf, type Person } from './linked-service.js';
import { consentOn, locationOf, TENANT } from './microsoft-sandbox.js';
import { type Client, type Service, startService } from './service.js';
import { eventually } from './store.js';

const CONNECTIONS = '/v1/calendar/connections';

/** The whole service beside a simulator of Microsoft in which nothing changes by itself. */
export type MicrosoftLinked = Readonly<{
  service: Service;
  microsoft: MicrosoftSandbox;
  clockwork: Clockwork;
  /** Connects the account of a person by the consent page, as a browser does; answers the connection when its calendars were read. */
  link: (person: Person, account: string) => Promise<ConnectionView>;
  /** Only these faults from now on. */
  suffer: (...faults: readonly MicrosoftFaultOrder[]) => void;
  stop: () => Promise<void>;
}>;

/** The id of the calendar of an account. */
export const calendarOf = (email: string): string => `AQMk/${email}==`;

/** Each with a calendar of their own. */
const ownersOf = (emails: readonly string[]) => ({
  people: emails.map((email) => ({
    ...{ email, fullName: email, tenant: TENANT, timeZone: 'UTC' },
    list: [{ calendar: calendarOf(email), role: 'owner' as const }],
  })),
  calendars: emails.map((email) => ({ id: calendarOf(email), name: 'Calendar', owner: { name: email, address: email } })),
});

/** Sends a person to Microsoft's consent page; `back` follows its redirect, as their browser does. */
export const atMicrosoftConsent = async (
  person: Client,
  account: string,
  deny = false,
): Promise<Readonly<{ connectionId: string; back: () => Promise<Response> }>> => {
  const { body, headers } = await person.request<Redirect>('POST', CONNECTIONS, { provider: 'microsoft', consent: true, access: 'read' });
  const redirect = locationOf(await consentOn(body.authorizationUrl, { account, deny }));
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  return { connectionId: body.connectionId, back: () => fetch(redirect, { headers: { cookie }, redirect: 'manual' }) };
};

export const startMicrosoftLinked = async (emails: readonly string[]): Promise<MicrosoftLinked> => {
  const microsoft = await startMicrosoftSandbox({
    clock: { now: () => Date.now() },
    ...{ port: 0, timeZone: 'Europe/Paris', restlessness: null, start: ownersOf(emails) },
  });
  const { origin } = new URL(microsoft.url);
  const { id, secret } = MICROSOFT_SANDBOX_CLIENT;
  const service = await startService({
    ...{ MICROSOFT_CLIENT_ID: id, MICROSOFT_CLIENT_SECRET: secret, MICROSOFT_LOGIN_URL: origin, MICROSOFT_GRAPH_URL: origin },
  }).catch(async (error: unknown) => {
    await microsoft.stop();
    throw error;
  });
  return {
    ...{ service, microsoft, clockwork: clockworkOf(service) },
    link: async (person, account) => {
      const { connectionId, back } = await atMicrosoftConsent(person, account);
      const page = await back();
      if (page.status >= 400) throw new Error(`the callback answered ${page.status}`);
      return eventually('its calendars were read', async () => {
        const view = await person.view(connectionId);
        return view.calendars.length > 0 && view.status === 'connected' && view;
      });
    },
    suffer: (...faults) => {
      microsoft.switchOff();
      for (const fault of faults) microsoft.switchOn(fault);
    },
    stop: async () => {
      await service.stop();
      await microsoft.stop();
    },
  };
};
