import { createHash } from 'node:crypto';
import { z } from 'zod';
import { answered, type GoogleAnswer, invalid, NO_CONTENT, refuse } from './answers.js';
import { channelEnd } from './channels.js';
import { type View } from './rendering.js';
import { type ApiCall } from './world.js';

const Milliseconds = z.union([z.string().regex(/^\d{1,16}$/), z.int()]).transform(Number);

const WatchOrder = z.object({
  id: z.string().optional(),
  type: z.string().optional(),
  address: z.string().optional(),
  token: z.string().max(256).optional(),
  expiration: Milliseconds.optional(),
  params: z
    .object({
      ttl: z
        .string()
        .regex(/^\d{1,9}$/)
        .transform(Number)
        .optional(),
    })
    .optional(),
});

const StopOrder = z.object({ id: z.string(), resourceId: z.string() });

/** What a body says; refuses one that is not JSON, or not of that kind. */
const read = <T>(schema: z.ZodType<T>, body: string): T => {
  let content: unknown;
  try {
    content = JSON.parse(body) as unknown;
  } catch {
    return refuse(400, { reason: 'parseError', message: 'Parse Error' });
  }
  const order = schema.safeParse(content);
  if (order.success) return order.data;
  const parameter = order.error.issues[0]?.path.join('.') ?? '';
  return parameter === '' ? refuse(400, { reason: 'parseError', message: 'Parse Error' }) : invalid(parameter);
};

const required = (name: string): never =>
  refuse(400, { reason: 'required', message: 'Required', location: { type: 'parameter', name: `resource.${name}` } });

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Notifications go to https; a simulator may send them to this machine without. */
const checkedAddress = (address: string, plainPush: boolean): string => {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isFit = url?.protocol === 'https:' || (plainPush && url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  return isFit ? address : refuse(400, { reason: 'push.webhookUrlNotHttps', message: `WebHook callback must be HTTPS: ${address}` });
};

const resourceIdOf = (account: string, calendar: string): string =>
  createHash('sha1').update(`${account} ${calendar} events`).digest('base64url');

/** `events.watch`. */
export const watch = (call: ApiCall, view: View): GoogleAnswer => {
  const { world, person, path, body } = call;
  const { about } = view.calendar;
  const order = read(WatchOrder, body);
  const { id = required('id'), type = required('type'), address = required('address') } = order;
  if (type !== 'web_hook' && type !== 'webhook') invalid('resource.type', 'Unknown channel type');
  if (!/^[A-Za-z0-9\-_+/=]{1,64}$/.test(id)) invalid('resource.id', 'Invalid channel id');
  if (about.watchable === false)
    refuse(400, {
      domain: 'calendar',
      reason: 'pushNotSupportedForRequestedResource',
      message: 'Push notifications are not supported by this resource.',
    });
  checkedAddress(address, world.plainPush);
  if (world.channels.isTaken(id)) refuse(400, { reason: 'channelIdNotUnique', message: `Channel id ${id} not unique` });
  const now = world.clock.now();
  const ttl = order.params?.ttl;
  const expiration = channelEnd(now, order.expiration ?? (ttl === undefined ? null : now + ttl * 1_000));
  if (expiration <= now) invalid('resource.expiration');
  const resourceId = resourceIdOf(person.email, about.id);
  const resourceUri = `${world.origin()}${path.replace(/\/watch$/, '')}?alt=json`;
  const token = order.token ?? null;
  world.channels.open({ id, token, address, account: person.email, calendar: about.id, resourceId, resourceUri, expiration });
  const shown = token === null ? {} : { token };
  return answered({ kind: 'api#channel', id, resourceId, resourceUri, ...shown, expiration: String(expiration) });
};

/** `channels.stop`. */
export const stopChannel = ({ world, person, body }: ApiCall): GoogleAnswer => {
  const { id, resourceId } = read(StopOrder, body);
  if (world.channels.stop(id, resourceId, person.email)) return NO_CONTENT;
  return refuse(404, { reason: 'notFound', message: `Channel '${id}' not found for project 'sandbox'` });
};
