import { z } from 'zod';
import { DAY } from '../../kernel/clock.js';
import { type Grant } from '../grant.js';
import { type Call, ProviderFault } from '../provider-fault.js';
import { type ChannelOrder, type HeaderOf, type Hint, type OpenChannel, type Push, Unwatchable } from '../push.js';
import { googleApi, type Meaning } from './google.api.js';
import { type GoogleOptions } from './google.options.js';

/** The longest life that Google gives a channel on events (developers.google.com/workspace/calendar/api/guides/push). */
const LIFE = 7 * DAY;

/** RFC 7230 lets a header be long; Google's are not. */
const LONGEST = 512;

const SAYS: Readonly<Record<string, Hint['says']>> = { sync: 'opened', exists: 'changed', not_exists: 'changed' };

const opened = z.object({ resourceId: z.string().min(1).max(LONGEST), expiration: z.string().regex(/^\d{1,15}$/) });

/**
 * `expiration` is in milliseconds, as text. Without one the channel cannot be renewed in time, so that the answer makes no sense. One that is later
 * than was asked for is not believed.
 */
const channelOf = (answer: unknown, { id, until }: ChannelOrder): OpenChannel => {
  const found = opened.safeParse(answer).data;
  if (found === undefined) throw new ProviderFault('malformed', 'Google’s answer is no channel');
  return { id, remote: found.resourceId, until: new Date(Math.min(Number(found.expiration), until.getTime())) };
};

/** Google writes some of these reasons with `push.` before them. */
const isOneOf = (reasons: readonly string[], ...some: readonly string[]): boolean =>
  reasons.some((reason) => some.includes(reason.replace(/^push\./, '')));

const refusedToOpen: Meaning = ({ status, reasons }) => {
  if (status !== 400 && status !== 401) return null;
  if (isOneOf(reasons, 'pushNotSupportedForRequestedResource')) return new Unwatchable('seldom');
  if (isOneOf(reasons, 'channelIdNotUnique')) return new ProviderFault('conflict', 'Google has had a channel of this id');
  if (isOneOf(reasons, 'webhookUrlNotHttps', 'webhookUrlUnauthorized'))
    return new ProviderFault(
      'misconfigured',
      'Google sends no notifications to the address of this service: verify its domain and its https',
    );
  return null;
};

const open =
  (options: GoogleOptions) =>
  async (grant: Grant, calendarId: string, order: ChannelOrder, call: Call): Promise<OpenChannel> => {
    const { id, token, address, until } = order;
    const requestBody = { id, token, address, type: 'web_hook', expiration: String(until.getTime()) };
    const { post } = googleApi(options, grant, call);
    return channelOf(await post((api, more) => api.events.watch({ calendarId, requestBody }, more), refusedToOpen), order);
  };

/** What Google says of a channel that has ended, was stopped before or never was. */
const GONE = new ProviderFault('calendar-gone', 'Google has no such channel');

const stop =
  (options: GoogleOptions) =>
  async (grant: Grant, { id, remote }: Pick<OpenChannel, 'id' | 'remote'>, call: Call): Promise<void> => {
    const { post } = googleApi(options, grant, call);
    try {
      const requestBody = { id, resourceId: remote };
      await post(
        (api, more) => api.channels.stop({ requestBody }, more),
        ({ status }) => (status === 404 || status === 410 ? GONE : null),
      );
    } catch (error) {
      if (error !== GONE) throw error;
    }
  };

/** Null for what is no count: numbers above what a `bigint` column takes are none of Google's. */
const numberIn = (text: string | null): bigint | null => (text !== null && /^\d{1,18}$/.test(text) ? BigInt(text) : null);

/** Everything is in the headers; a state that is not known is no hint. */
const read = (header: HeaderOf): readonly Hint[] => {
  const short = (name: string): string | null => {
    const value = header(name);
    return value === null || value === '' || value.length > LONGEST ? null : value;
  };
  const channel = short('x-goog-channel-id');
  const state = short('x-goog-resource-state') ?? '';
  const says = Object.hasOwn(SAYS, state) ? SAYS[state] : undefined;
  if (channel === null || says === undefined) return [];
  const number = numberIn(short('x-goog-message-number'));
  return [{ channel, remote: short('x-goog-resource-id'), token: short('x-goog-channel-token'), number, says }];
};

export const googlePush = (options: GoogleOptions): Push => ({
  ...{ life: LIFE, open: open(options), stop: stop(options), read },
  ...{ handshake: null, extend: null },
});
