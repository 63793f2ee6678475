import { type ConnectionView, type Redirect } from '../../src/connection/connection.contract.js';
import { startGoogleSandbox, type GoogleFaultOrder, type GoogleSandbox } from '../../src/embedded/google.sandbox.js';
import { type EventBody } from '../../src/embedded/google/event.js';
import { type ChangePage, type ChangeView } from '../../src/merged-events/changes/changes.contract.js';
import { consentOn, locationOf, type OnPage } from './google-sandbox.js';
import { type Client, type Service, startService } from './service.js';
import { eventually } from './store.js';
import { WHOLE_WINDOW } from './whole-window.js';

const CONNECTIONS = '/v1/calendar/connections';

/** A person of the service, with what a test of theirs asks again and again. */
export type Person = Client &
  Readonly<{
    view: (connectionId: string) => Promise<ConnectionView>;
    /** What is shown: `<start> <title>` of each occurrence, in order. */
    shown: (range?: string) => Promise<readonly string[]>;
    /** What changed since the last time this was asked; at first nothing. */
    changes: () => Promise<readonly ChangeView[]>;
  }>;

/** The rows of `sync_state` that a test moves in time. */
export type Clockwork = Readonly<{
  /** Reads calendars now, as if their time had come, and waits until what came can be read. */
  sweep: (person: Person, ...calendarIds: readonly string[]) => Promise<void>;
  /** Looks after an account now, as it is done once a day. */
  tend: (connectionId: string) => Promise<void>;
  /** Lets the last good reading be as old as it takes to be fresh no more. */
  outdate: (...calendarIds: readonly string[]) => Promise<void>;
}>;

export const personOf = async (service: Service, name: string, teams: readonly string[] = []): Promise<Person> => {
  const client = await service.as(name, teams);
  let after = '';
  return {
    ...client,
    view: async (id) => (await client.request<ConnectionView>('GET', `${CONNECTIONS}/${id}`)).body,
    shown: async (range = WHOLE_WINDOW) => (await client.events(range)).map(({ start, title }) => `${start} ${title ?? ''}`),
    changes: async () => {
      const asked = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const { body } = await client.request<ChangePage>('GET', `/v1/calendar/changes?limit=500${asked}`);
      after = body.nextCursor;
      return body.items;
    },
  };
};

export const clockworkOf = ({ rows }: Service): Clockwork => ({
  sweep: async (person, ...calendarIds) => {
    const asked = new Map<string, string | null>();
    // A reading that is under way has perhaps been answered already, and knows nothing of what changed since.
    await eventually('no reading is under way', async () => {
      const free = await rows<{ id: string; at: string | null }>(
        `update sync_state set due_at = now()
         where calendar_id = any($1) and calendar_id <> all($2) and (claimed_until is null or claimed_until < clock_timestamp())
         returning calendar_id as id, last_attempt_at::text as at`,
        [calendarIds, [...asked.keys()]],
      );
      for (const { id, at } of free) asked.set(id, at);
      return asked.size === calendarIds.length;
    });
    await rows('notify sync_state');
    await eventually('everything was read again', async () => {
      const attempts = await rows<{ id: string; at: string | null }>(
        'select calendar_id as id, last_attempt_at::text as at from sync_state where calendar_id = any($1)',
        [calendarIds],
      );
      return attempts.every(({ id, at }) => at !== asked.get(id));
    });
    await person.settled();
  },
  tend: async (connectionId) => {
    await rows('update connection_state set due_at = now(), wake = true where connection_id = $1', [connectionId]);
    await rows('notify connection_state');
    await eventually('it was looked after', async () => {
      const waiting = await rows(
        'select 1 from connection_state where connection_id = $1 and (due_at <= now() or claimed_until is not null or wake)',
        [connectionId],
      );
      return waiting.length === 0;
    });
  },
  outdate: async (...calendarIds) => {
    await rows(`update sync_state set fresh_until = now() - interval '1 minute' where calendar_id = any($1)`, [calendarIds]);
  },
});

/** The whole service beside a simulator of Google in which nothing changes by itself. */
export type GoogleLinked = Readonly<{
  service: Service;
  google: GoogleSandbox;
  clockwork: Clockwork;
  /** Connects the account of a person by the consent page, as a browser does; answers the connection when its calendars were read. */
  link: (person: Person, account: string, onPage?: OnConsentPage) => Promise<ConnectionView>;
  /** Only these faults from now on. */
  suffer: (...faults: readonly GoogleFaultOrder[]) => void;
  stop: () => Promise<void>;
}>;

/** An hour in an account's own calendar, on the clock of a zone; `day` from today. */
export const googleHour = (id: string, day: string, time: string, timeZone = 'UTC', more: EventBody = {}): EventBody => {
  const start = `${day}T${time}:00`;
  const end = new Date(Date.parse(`${start}Z`) + 3_600_000).toISOString().slice(0, 19);
  return { id, summary: id, start: { dateTime: start, timeZone }, end: { dateTime: end, timeZone }, ...more };
};

/** Each with a calendar of their own, in the zone named. */
const ownersOf = (zones: Readonly<Record<string, string>>, watchable: boolean) => ({
  people: Object.keys(zones).map((email) => ({
    email,
    fullName: email,
    list: [{ calendar: email, accessRole: 'owner' as const, primary: true }],
  })),
  calendars: Object.entries(zones).map(([id, timeZone]) => ({ id, summary: id, timeZone, watchable })),
});

type OnConsentPage = OnPage & Readonly<{ access?: 'read' | 'write' }>;

/** Sends a person to Google's consent page; `back` follows its redirect, as their browser does. */
export const atConsent = async (
  person: Client,
  { access = 'read', ...onPage }: OnConsentPage,
): Promise<Readonly<{ connectionId: string; back: () => Promise<Response> }>> => {
  const { body, headers } = await person.request<Redirect>('POST', CONNECTIONS, { provider: 'google', consent: true, access });
  const redirect = locationOf(await consentOn(body.authorizationUrl, onPage));
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  return { connectionId: body.connectionId, back: () => fetch(redirect, { headers: { cookie }, redirect: 'manual' }) };
};

/** Sends a person to Google's consent page and back; answers where they end, and the connection's id. */
export const throughConsent = async (
  person: Client,
  onPage: OnConsentPage,
): Promise<Readonly<{ connectionId: string; page: Response }>> => {
  const { connectionId, back } = await atConsent(person, onPage);
  return { connectionId, page: await back() };
};

/** Tests of accounts of their own, at a service that others are tested at as well. `zones`: of the accounts, by their addresses. */
export type GoogleSuite = Readonly<{ title: string; zones: Readonly<Record<string, string>>; suite: (linked: () => GoogleLinked) => void }>;

/** `watchable`: whether the calendars can be watched; where they cannot, nothing is read before its time. */
export const startGoogleLinked = async (
  zones: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
  { watchable = false }: Readonly<{ watchable?: boolean }> = {},
): Promise<GoogleLinked> => {
  const google = await startGoogleSandbox({
    clock: { now: () => Date.now() },
    ...{ port: 0, timeZone: 'Europe/Paris', restlessness: null, start: ownersOf(zones, watchable) },
  });
  const { url } = google;
  const service = await startService({
    ...{ GOOGLE_CLIENT_ID: 'sandbox', GOOGLE_CLIENT_SECRET: 'sandbox-secret', GOOGLE_API_URL: url },
    ...{ GOOGLE_AUTH_URL: `${url}o/oauth2/v2/auth`, GOOGLE_TOKEN_URL: `${url}token`, GOOGLE_REVOKE_URL: `${url}revoke` },
    ...settings,
  }).catch(async (error: unknown) => {
    await google.stop();
    throw error;
  });
  return {
    ...{ service, google, clockwork: clockworkOf(service) },
    link: async (person, account, onPage = {}) => {
      const { connectionId, page } = await throughConsent(person, { account, ...onPage });
      if (page.status >= 400) throw new Error(`the callback answered ${page.status}`);
      return eventually('its calendars were read', async () => {
        const view = await person.view(connectionId);
        return view.calendars.length > 0 && view.status === 'connected' && view;
      });
    },
    suffer: (...faults) => {
      google.switchOff();
      for (const fault of faults) google.switchOn(fault);
    },
    stop: async () => {
      await service.stop();
      await google.stop();
    },
  };
};
