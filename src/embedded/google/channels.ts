import { DAY, SECOND } from '../../kernel/clock.js';

/** Who is told that the events of a calendar have changed. `expiration`: milliseconds since the epoch, whole seconds. */
export type Channel = Readonly<{
  id: string;
  token: string | null;
  address: string;
  account: string;
  calendar: string;
  resourceId: string;
  resourceUri: string;
  expiration: number;
}>;

/** The longest a channel of events lives. */
export const LONGEST_CHANNEL = 7 * DAY;

export const channelEnd = (now: number, wanted: number | null): number => {
  const end = Math.min(wanted ?? Infinity, now + LONGEST_CHANNEL);
  return end - (end % SECOND);
};

export type ResourceState = 'sync' | 'exists' | 'not_exists';

/** One message to a channel, as Google sends it: without a body. */
export const messageHeaders = (channel: Channel, state: ResourceState, number: number): Readonly<Record<string, string>> => ({
  'x-goog-channel-id': channel.id,
  ...(channel.token === null ? {} : { 'x-goog-channel-token': channel.token }),
  'x-goog-channel-expiration': new Date(channel.expiration).toUTCString(),
  'x-goog-resource-id': channel.resourceId,
  'x-goog-resource-uri': channel.resourceUri,
  'x-goog-resource-state': state,
  'x-goog-message-number': String(number),
});

/** The channels of all people. An id is never free again. */
export type Channels = Readonly<{
  isTaken: (id: string) => boolean;
  open: (channel: Channel) => void;
  /** False when there is no such live channel of that person. */
  stop: (id: string, resourceId: string, account: string) => boolean;
  live: () => readonly Channel[];
  changed: (calendar: string, isGone: boolean) => void;
}>;

/** What becomes of a message; `isStopped`: its channel was stopped already. */
export type Send = (channel: Channel, state: ResourceState, number: number, isStopped: boolean) => void;

type Held = { channel: Channel; number: number; isStopped: boolean };

/** `gap`: how many numbers lie between two messages of a channel, at least one. */
export const channelsOf = (now: () => number, gap: () => number, send: Send): Channels => {
  const channels = new Map<string, Held>();
  const isLive = ({ channel, isStopped }: Held): boolean => !isStopped && channel.expiration > now();
  const tell = (held: Held, state: ResourceState): void => {
    send(held.channel, state, held.number, held.isStopped);
    held.number += gap();
  };
  return {
    isTaken: (id) => channels.has(id),
    open: (channel) => {
      const held = { channel, number: 1, isStopped: false };
      channels.set(channel.id, held);
      tell(held, 'sync');
    },
    stop: (id, resourceId, account) => {
      const held = channels.get(id);
      if (held === undefined || !isLive(held) || held.channel.resourceId !== resourceId || held.channel.account !== account) return false;
      held.isStopped = true;
      return true;
    },
    live: () => [...channels.values()].filter(isLive).map(({ channel }) => channel),
    changed: (calendar, isGone) => {
      for (const held of channels.values())
        if (held.channel.calendar === calendar && held.channel.expiration > now()) tell(held, isGone ? 'not_exists' : 'exists');
    },
  };
};
