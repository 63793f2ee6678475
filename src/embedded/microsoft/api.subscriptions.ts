import { z } from 'zod';
import { type Json } from '../json.js';
import { accessDenied, type Content, itemNotFound, NOTHING, ok, refuse } from './answers.js';
import { defaultOf, isOwn } from './calendar-list.js';
import { read } from './event.write.js';
import { isValidated } from './handshake.http.js';
import { objectIdOf } from './people.js';
import { plainPath } from './routes.js';
import { LONGEST_LIFE, SHORTEST_LIFE, type Subscription } from './subscriptions.js';
import { type GraphCall } from './world.js';

const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const NewOrder = z.object({
  changeType: z.string(),
  notificationUrl: z.string(),
  lifecycleNotificationUrl: z.string().nullish(),
  resource: z.string(),
  expirationDateTime: Instant,
  clientState: z.string().max(128).nullish(),
});

const RenewOrder = z.object({ expirationDateTime: Instant.optional(), notificationUrl: z.string().optional() });

const invalid = (message: string): never => refuse(400, 'InvalidRequest', message);

const CHANGES = new Set(['created', 'updated', 'deleted']);

const changesIn = (text: string): readonly string[] => {
  const changes = text.split(',').map((each) => each.trim().toLowerCase());
  return changes.every((each) => CHANGES.has(each)) ? changes : invalid('Subscription change type is invalid.');
};

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Notifications go to https; a simulator may send them to this machine without. */
const checked = async ({ world }: GraphCall, address: string): Promise<string> => {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isFit = url?.protocol === 'https:' || (world.plainPush && url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (!isFit) invalid('The notification URL must be HTTPS.');
  if (await isValidated(address, world.newRequestId())) return address;
  return refuse(
    400,
    'ValidationError',
    'Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.',
  );
};

const endOf = ({ world }: GraphCall, wanted: number): number => {
  const now = world.clock.now();
  if (wanted <= now) invalid('Subscription expiration must be in the future.');
  if (wanted > now + LONGEST_LIFE) refuse(400, 'ExtensionError', 'Subscription expiration can only be 10080 minutes in the future.');
  return Math.max(wanted, now + SHORTEST_LIFE);
};

const calendarOf = (call: GraphCall, resource: string): string => {
  const { world, person } = call;
  const plain = plainPath(`/v1.0/${resource.replace(/^\//, '')}`);
  const [, user = '', id] =
    /^(?:me|users\/([^/]+))(?:\/calendars?(?:\/([^/]+))?)?\/events$/.exec(plain) ?? invalid('The resource is not supported.');
  const isTheirs = user === '' || user.toLowerCase() === person.email.toLowerCase() || user === objectIdOf(person.email);
  if (!isTheirs) accessDenied();
  const shared = id === undefined ? defaultOf(call) : world.mailboxes.access(person, decodeURIComponent(id));
  if (shared === null) return itemNotFound();
  // Delegated permissions subscribe to the mailbox of the person who signed in, and to no other.
  return isOwn(call, shared) ? shared.calendar.about.id : accessDenied();
};

const shown = ({ world }: GraphCall, each: Subscription): Json => ({
  id: each.id,
  resource: each.resource,
  applicationId: world.client.id,
  changeType: each.changeTypes.join(','),
  clientState: each.clientState,
  notificationUrl: each.notificationUrl,
  notificationQueryOptions: null,
  lifecycleNotificationUrl: each.lifecycleUrl,
  expirationDateTime: new Date(each.expiration).toISOString(),
  creatorId: each.creator,
  includeResourceData: null,
  latestSupportedTlsVersion: 'v1_2',
  encryptionCertificate: null,
  encryptionCertificateId: null,
  notificationUrlAppId: null,
});

const contextOf = ({ world }: GraphCall, rest: string): string => `${world.origin()}/v1.0/$metadata#subscriptions${rest}`;

/** `POST /subscriptions`: the addresses are asked before it is answered. */
export const subscribe = async (call: GraphCall): Promise<Content> => {
  const { world, person } = call;
  const order = read(NewOrder, call.body);
  const [changeTypes, calendar, expiration] = [
    changesIn(order.changeType),
    calendarOf(call, order.resource),
    endOf(call, order.expirationDateTime),
  ];
  const same = world.subscriptions.live().some((each) => each.account === person.email && each.calendar === calendar);
  if (same && call.take('one-subscription') !== null)
    refuse(409, 'Conflict', 'A subscription already exists for the specified combination of application, changeType and resource.');
  const notificationUrl = await checked(call, order.notificationUrl);
  const lifecycle = order.lifecycleNotificationUrl ?? null;
  const subscription: Subscription = {
    id: world.newRequestId(),
    account: person.email,
    creator: objectIdOf(person.email),
    tenant: person.tenant,
    calendar,
    resource: order.resource,
    changeTypes,
    clientState: order.clientState ?? null,
    notificationUrl,
    lifecycleUrl: lifecycle === null ? null : await checked(call, lifecycle),
    expiration,
    paused: false,
  };
  world.subscriptions.open(subscription);
  return { status: 201, content: { '@odata.context': contextOf(call, '/$entity'), ...shown(call, subscription) } };
};

const existing = ({ world, person }: GraphCall, id: string): Subscription =>
  world.subscriptions.of(person.email, id) ?? refuse(404, 'ResourceNotFound', 'The object was not found.');

/** `PATCH /subscriptions/{id}`. */
export const renew = async (call: GraphCall, id: string): Promise<Content> => {
  const found = existing(call, id);
  const order = read(RenewOrder, call.body);
  const renewed: Subscription = {
    ...found,
    expiration: order.expirationDateTime === undefined ? found.expiration : endOf(call, order.expirationDateTime),
    notificationUrl: order.notificationUrl === undefined ? found.notificationUrl : await checked(call, order.notificationUrl),
    paused: false,
  };
  call.world.subscriptions.put(renewed);
  return ok({ '@odata.context': contextOf(call, '/$entity'), ...shown(call, renewed) });
};

/** `POST /subscriptions/{id}/reauthorize`. */
export const reauthorize = (call: GraphCall, id: string): Content => {
  call.world.subscriptions.put({ ...existing(call, id), paused: false });
  return NOTHING;
};

/** `DELETE /subscriptions/{id}`. */
export const unsubscribe = (call: GraphCall, id: string): Content => {
  call.world.subscriptions.remove(existing(call, id).id);
  return NOTHING;
};

/** `GET /subscriptions`, and one of them. */
export const getSubscriptions = (call: GraphCall, id: string | null): Content => {
  if (id !== null) return ok({ '@odata.context': contextOf(call, '/$entity'), ...shown(call, existing(call, id)) });
  const own = call.world.subscriptions.live().filter(({ account }) => account === call.person.email);
  return ok({ '@odata.context': contextOf(call, ''), value: own.map((each) => shown(call, each)) });
};
