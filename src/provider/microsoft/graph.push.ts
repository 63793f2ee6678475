import { z } from 'zod';
import { MINUTE } from '../../kernel/clock.js';
import { type Grant } from '../grant.js';
import { type Call, ProviderFault } from '../provider-fault.js';
import { type ChannelOrder, type OpenChannel, type Push, Unwatchable } from '../push.js';
import { clientStateOf, hintsIn, validationTokenIn } from './graph-notification.js';
import { pathTo } from './graph-link.js';
import { graphApi, type GraphApi, type Meaning } from './graph.api.js';
import { type MicrosoftOptions } from './microsoft.options.js';

/**
 * Subscriptions to events live for 10,080 minutes at most by newer documents and 4,230 by older ones, and one that asks for more is refused
 * (learn.microsoft.com/graph/api/resources/subscription).
 */
const LIFE = 4_200 * MINUTE;

const Subscription = z.object({ id: z.string().min(1).max(128), expirationDateTime: z.iso.datetime({ offset: true }) });

const Listed = z.object({ value: z.array(z.object({ id: z.string(), resource: z.string(), notificationUrl: z.string().nullish() })) });

/** The subscription's name at Microsoft, and when it ends: not later than was asked for, also where the answer states a later end. */
const statedIn = (answer: unknown, wanted: Date): Readonly<{ remote: string; until: Date }> => {
  const found = Subscription.safeParse(answer).data;
  if (found === undefined) throw new ProviderFault('malformed', 'Microsoft’s answer is no subscription');
  return { remote: found.id, until: new Date(Math.min(Date.parse(found.expirationDateTime), wanted.getTime())) };
};

const isUnreached = (code: string, message: string): boolean =>
  /^ValidationError$/i.test(code) || /validation request|notification ?url|endpoint/i.test(message);

/** Delegated access reaches the calendars of who signed in: of those that others share, Microsoft tells no changes. */
const refusedToOpen: Meaning = ({ status, code, message }) => {
  if (status === 403) return new Unwatchable('often');
  if (status === 409) return new ProviderFault('conflict', 'Microsoft has a subscription to this calendar already');
  if (status === 400 && isUnreached(code, message))
    return new ProviderFault(
      'misconfigured',
      'Microsoft cannot reach the address of this service for notifications: it takes https with a valid certificate, and an answer within ten seconds',
    );
  return null;
};

/** What Microsoft says of a subscription that has ended, was removed or never was. */
const GONE = new ProviderFault('calendar-gone', 'Microsoft has no such subscription');
const goneMeans: Meaning = ({ status }) => (status === 404 || status === 410 ? GONE : null);

const remove = async ({ send }: GraphApi, remote: string): Promise<void> => {
  try {
    await send('DELETE', `/subscriptions${pathTo(remote)}`, undefined, goneMeans);
  } catch (error) {
    if (error !== GONE) throw error;
  }
};

const resourceOf = (calendarId: string): string => `/me${pathTo('calendars', calendarId, 'events')}`;

/** Microsoft may name the mailbox in another way than it was named. */
const isOn = (resource: string, calendarId: string): boolean =>
  [calendarId, encodeURIComponent(calendarId)].some((id) => resource.endsWith(`/calendars/${id}/events`));

/**
 * Removes subscriptions to the calendar that come here already: the answer to their opening was lost, and their names with it, or they are to be replaced.
 */
const removeOurs = async (api: GraphApi, calendarId: string, address: string): Promise<void> => {
  const { value } = Listed.safeParse(await api.read('/subscriptions')).data ?? { value: [] };
  for (const { id, resource, notificationUrl } of value)
    if (notificationUrl === address && isOn(resource, calendarId)) await remove(api, id);
};

const open =
  (options: MicrosoftOptions) =>
  async (grant: Grant, calendarId: string, { id, token, address, until }: ChannelOrder, call: Call): Promise<OpenChannel> => {
    const api = graphApi(options, grant, call);
    const order = {
      changeType: 'created,updated,deleted',
      notificationUrl: address,
      // Set when a subscription is made, and never after.
      lifecycleNotificationUrl: `${address}/lifecycle`,
      resource: resourceOf(calendarId),
      expirationDateTime: until.toISOString(),
      clientState: clientStateOf(id, token),
    };
    try {
      return { id, ...statedIn(await api.send('POST', '/subscriptions', order, refusedToOpen), until) };
    } catch (error) {
      if (error instanceof ProviderFault && error.fault === 'conflict') await removeOurs(api, calendarId, address);
      throw error;
    }
  };

/** Renewed, not replaced: a second subscription to the same calendar may be refused. This authorizes it again as well. */
const extend =
  (options: MicrosoftOptions): NonNullable<Push['extend']> =>
  async (grant, { remote }, until, call) => {
    const body = { expirationDateTime: until.toISOString() };
    const answer = await graphApi(options, grant, call).send('PATCH', `/subscriptions${pathTo(remote)}`, body, goneMeans);
    return statedIn(answer, until).until;
  };

/** Subscriptions of Microsoft Graph, one for each calendar. */
export const microsoftPush = (options: MicrosoftOptions): Push => ({
  life: LIFE,
  open: open(options),
  stop: (grant, { remote }, call) => remove(graphApi(options, grant, call), remote),
  read: (_, body) => hintsIn(body),
  handshake: validationTokenIn,
  extend: extend(options),
});
