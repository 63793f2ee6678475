import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { systemClock } from '../../src/infra/system.clock.js';
import { type Sql } from '../../src/kernel/sql.js';
import { type Providers } from '../../src/provider/calendar-provider.js';
import { DAY } from '../../src/kernel/clock.js';
import { hintsIn, validationTokenIn } from '../../src/provider/microsoft/graph-notification.js';
import { type Push } from '../../src/provider/push.js';
import { googlePush } from '../../src/provider/google/google.push.js';
import { memoryAccount } from './builders.js';
import { nearHttp } from './caldav.js';

const NOWHERE = 'http://127.0.0.1:1';
const URLS = { authUrl: NOWHERE, tokenUrl: NOWHERE, revokeUrl: NOWHERE, apiUrl: NOWHERE };

/** Graph, as far as it sends notifications. */
const graphPush: Push = {
  life: DAY,
  open: () => Promise.reject(new Error('nothing is opened here')),
  stop: () => Promise.resolve(),
  read: (_, body) => hintsIn(body),
  handshake: validationTokenIn,
  extend: null,
};

/** Google and Graph, as far as they send notifications, beside a service that sends none. */
export const pushingProviders = (): Providers => {
  const { provider } = memoryAccount();
  const google = { clientId: 'client', clientSecret: 'secret', ...URLS };
  return new Map([
    ['google', { ...provider, push: googlePush({ http: nearHttp(), clock: systemClock, google }) }],
    ['microsoft', { ...provider, push: graphPush }],
    ['caldav', provider],
  ]);
};

/** A channel as it was opened at Google, and what its notifications carry. */
export type OpenedChannel = Readonly<{ id: string; token: string; remote: string; calendarId: string; connectionId: string }>;

type State = 'opening' | 'live' | 'old' | 'closing';

export type ChannelWish = Readonly<{
  state?: State;
  /** null: the answer to the opening was lost. */
  remote?: string | null;
  seen?: number;
  provider?: string;
  /** Of which the channel is; one of its own unless it is named. */
  calendar?: Readonly<{ calendarId: string; connectionId: string }>;
}>;

/** A calendar of Google that was read, and is not due for an hour. */
export const readCalendar = async (sql: Sql): Promise<Readonly<{ calendarId: string; connectionId: string }>> => {
  const [calendarId, connectionId] = [randomUUID(), randomUUID()];
  await sql.query(
    `insert into sync_state (calendar_id, connection_id, user_id, provider, sealed, due_at, lane, wake)
     values ($1, $2, $3, 'google', 'sealed', now() + interval '1 hour', 'sweep', false)`,
    [calendarId, connectionId, randomUUID()],
  );
  return { calendarId, connectionId };
};

/** A channel in the rows of the service. */
export const channelIn = async (
  sql: Sql,
  { state = 'live', remote, seen = 0, calendar, provider = 'google' }: ChannelWish = {},
): Promise<OpenedChannel> => {
  const { calendarId, connectionId } = calendar ?? (await readCalendar(sql));
  const [id, token, named] = [randomUUID(), randomBytes(32).toString('base64url'), `resource-${randomUUID()}`];
  await sql.query(
    `insert into watch_channel (channel_id, provider, user_id, connection_id, calendar_id, token_hash, remote, state, opened_at, expires_at, renew_at, seen)
     values ($1, $8, 'ada', $2, $3, $4, $5, $6, now(), now() + interval '7 days', now() + interval '5 days', $7)`,
    [
      id,
      connectionId,
      calendarId,
      createHash('sha256').update(token).digest(),
      remote === undefined ? named : remote,
      state,
      seen,
      provider,
    ],
  );
  return { id, token, remote: remote ?? named, calendarId, connectionId };
};

export type Headers = Readonly<Record<string, string | null>>;

/** A notification as Google sends it; null leaves a header out. */
export const notified = (url: string, { id, token, remote }: OpenedChannel, number: number | string, change: Headers = {}) => {
  const headers: Headers = {
    ...{ 'content-type': 'application/json; utf-8', 'x-goog-channel-id': id, 'x-goog-channel-token': token },
    'x-goog-channel-expiration': new Date().toUTCString(),
    'x-goog-resource-id': remote,
    'x-goog-resource-uri': 'https://www.googleapis.com/calendar/v3/calendars/primary/events?alt=json',
    ...{ 'x-goog-resource-state': 'exists', 'x-goog-message-number': String(number), ...change },
  };
  const sent = Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null));
  return fetch(`${url}/v1/webhooks/google`, { method: 'POST', headers: sent });
};
