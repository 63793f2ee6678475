import { DAY, MINUTE } from '../../kernel/clock.js';
import { type Json } from '../json.js';
import { type ChangeType } from './mailboxes.js';

/** Who is told that the events of a calendar have changed. `expiration`: milliseconds since the epoch. `paused`: until it is authorized again. */
export type Subscription = Readonly<{
  id: string;
  account: string;
  creator: string;
  tenant: string;
  calendar: string;
  resource: string;
  changeTypes: readonly string[];
  clientState: string | null;
  notificationUrl: string;
  lifecycleUrl: string | null;
  expiration: number;
  paused: boolean;
}>;

/** The longest a subscription to events lives, and the shortest it is given. */
export const LONGEST_LIFE = 7 * DAY;
export const SHORTEST_LIFE = 45 * MINUTE;

export type LifecycleEvent = 'missed' | 'subscriptionRemoved' | 'reauthorizationRequired';

const expirationText = ({ expiration }: Subscription): string => new Date(expiration).toISOString();

/** What is told of a changed event: that it has changed, and never how. */
export const changeNotice = (subscription: Subscription, change: ChangeType, event: string): Json => {
  const resource = `Users/${subscription.creator}/Events/${event}`;
  return {
    subscriptionId: subscription.id,
    subscriptionExpirationDateTime: expirationText(subscription),
    changeType: change,
    resource,
    resourceData: { '@odata.type': '#Microsoft.Graph.Event', '@odata.id': resource, '@odata.etag': `W/"${event.slice(-12)}"`, id: event },
    clientState: subscription.clientState,
    tenantId: subscription.tenant,
  };
};

/** What is told of a subscription itself. */
export const lifecycleNotice = (subscription: Subscription, event: LifecycleEvent): Json => ({
  subscriptionId: subscription.id,
  subscriptionExpirationDateTime: expirationText(subscription),
  tenantId: subscription.tenant,
  clientState: subscription.clientState,
  lifecycleEvent: event,
});

/** What becomes of a notice. */
export type Send = (subscription: Subscription, address: string, notice: Json) => void;

/** The subscriptions of all people. */
export type Subscriptions = Readonly<{
  open: (subscription: Subscription) => void;
  /** Null when there is no such live subscription of that person. */
  of: (account: string, id: string) => Subscription | null;
  put: (subscription: Subscription) => void;
  remove: (id: string) => void;
  live: () => readonly Subscription[];
  changed: (calendar: string, change: ChangeType, event: string) => void;
  /** Tells all live subscriptions of a person of a lifecycle event. */
  lifecycle: (account: string, event: LifecycleEvent) => void;
  /** Ends all of a person's without a word, as a reset of the password does. */
  end: (account: string) => void;
}>;

export const subscriptionsOf = (now: () => number, send: Send): Subscriptions => {
  const held = new Map<string, Subscription>();
  const live = (): readonly Subscription[] => [...held.values()].filter(({ expiration }) => expiration > now());
  const put = (subscription: Subscription): void => void held.set(subscription.id, subscription);
  return {
    open: put,
    of: (account, id) => live().find((each) => each.id === id && each.account === account) ?? null,
    put,
    remove: (id) => {
      held.delete(id);
    },
    live,
    changed: (calendar, change, event) => {
      for (const each of live())
        if (each.calendar === calendar && !each.paused && each.changeTypes.includes(change))
          send(each, each.notificationUrl, changeNotice(each, change, event));
    },
    lifecycle: (account, event) => {
      for (const each of live().filter((one) => one.account === account)) {
        if (event === 'subscriptionRemoved') held.delete(each.id);
        if (event === 'reauthorizationRequired') put({ ...each, paused: true });
        if (each.lifecycleUrl !== null) send(each, each.lifecycleUrl, lifecycleNotice(each, event));
      }
    },
    end: (account) => {
      for (const [id, each] of held) if (each.account === account) held.delete(id);
    },
  };
};
