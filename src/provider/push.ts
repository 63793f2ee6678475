import { type Grant } from './grant.js';
import { type Call, ProviderFault } from './provider-fault.js';

/** A channel to open. `id`: ours, used once. `token`: the secret that its notifications carry back. `address`: where they go. */
export type ChannelOrder = Readonly<{ id: string; token: string; address: string; until: Date }>;

/**
 * A channel as the service opened it. `remote`: what the service names it by when it is to be stopped, and what its notifications name; personal
 * where the service puts an address into it. `until`: when it ends, as the service states it, which may be earlier than was asked for, never later.
 */
export type OpenChannel = Readonly<{ id: string; remote: string; until: Date }>;

/**
 * What a notification claims. Nothing of it is proved: `token` and `remote` are to be held against what is stored of the channel. `number` grows
 * within a channel where the service counts its notifications. `opened`: it only says that the channel is there; `missed`: notifications were lost;
 * `ended`: no more will follow; `ending`: none will soon, unless the channel is renewed.
 */
export type Hint = Readonly<{
  channel: string;
  remote: string | null;
  token: string | null;
  number: bigint | null;
  says: 'opened' | 'changed' | 'missed' | 'ended' | 'ending';
}>;

/**
 * The service does not tell of changes in this calendar, which is a property of the calendar and no failure: it is polled. `seldom`: calendars of its kind
 * seldom change; `often`: it changes as any other does, so that it is read as often as one whose service tells nothing.
 */
export class Unwatchable extends ProviderFault {
  constructor(readonly changes: 'seldom' | 'often') {
    super('forbidden', 'the service does not tell of changes in this calendar');
  }
}

/** A header of a request by its name in lower case; null when there is none. */
export type HeaderOf = (name: string) => string | null;

/** How a service tells of changes. Every failure is a `ProviderFault`. */
export type Push = Readonly<{
  /** Milliseconds that a channel is asked to live. */
  life: number;
  /**
   * Opens a channel on one calendar. Made once: when the answer is lost, or makes no sense, the channel may exist. Throws `Unwatchable`; `conflict`
   * where the id was used before.
   */
  open: (grant: Grant, address: string, order: ChannelOrder, call: Call) => Promise<OpenChannel>;
  /** Ends a channel. One that is gone already is what was wanted. */
  stop: (grant: Grant, channel: Pick<OpenChannel, 'id' | 'remote'>, call: Call) => Promise<void>;
  /** The hints of one notification; none when it is no notification of this service. `body`: parsed JSON, for services that write into it. */
  read: (header: HeaderOf, body: unknown) => readonly Hint[];
  /**
   * What is answered, as plain text, to a request by which the service asks whether an address takes its notifications; null for any other request.
   * A service that asks does so while a channel is opened, and then tells nothing before the first change: the opening shows that it reaches us.
   * Null where the service does not ask.
   */
  handshake: ((query: URLSearchParams) => string | null) | null;
  /**
   * Lets a channel live longer, and answers when it ends now. Throws `calendar-gone` when there is no such channel any more. Null where a channel is
   * renewed by opening another.
   */
  extend: ((grant: Grant, channel: Pick<OpenChannel, 'id' | 'remote'>, until: Date, call: Call) => Promise<Date>) | null;
}>;
