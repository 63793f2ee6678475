import { type Hint } from '../push.js';

/** What stands between our channel's id and its token. Neither holds one: the id is a UUID, the token base64url. */
const BETWEEN = '.';

/**
 * The secret of a subscription, which every notification carries back: a notification names the subscription and this, and nothing else of ours. At most
 * 128 characters (learn.microsoft.com/graph/api/resources/subscription).
 */
export const clientStateOf = (channel: string, token: string): string => `${channel}${BETWEEN}${token}`;

const CLIENT_STATE = /^([0-9a-f-]{36})[.]([A-Za-z0-9_-]{1,90})$/;

/** Graph's own ids of subscriptions are UUIDs. */
const LONGEST_ID = 128;

/** More than a body of the size that is taken can hold of what Graph sends. */
const MOST_HINTS = 500;

/** What lifecycle notifications say. One that is not known is no hint. learn.microsoft.com/graph/change-notifications-lifecycle-events */
const LIFECYCLE: ReadonlyMap<unknown, Hint['says']> = new Map([
  ['missed', 'missed'],
  ['subscriptionRemoved', 'ended'],
  ['reauthorizationRequired', 'ending'],
]);

type Item = Readonly<Record<string, unknown>>;

const isItem = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value);

const itemsIn = (body: unknown): readonly Item[] => {
  const value = isItem(body) ? body['value'] : null;
  return Array.isArray(value) ? value.filter(isItem) : [];
};

const saidBy = ({ lifecycleEvent, changeType }: Item): Hint['says'] | undefined => {
  if (lifecycleEvent !== undefined && lifecycleEvent !== null) return LIFECYCLE.get(lifecycleEvent);
  return typeof changeType === 'string' ? 'changed' : undefined;
};

const hintOf = (item: Item): Hint | null => {
  const { clientState, subscriptionId } = item;
  const [, channel, token] = CLIENT_STATE.exec(typeof clientState === 'string' ? clientState : '') ?? [];
  const says = saidBy(item);
  if (channel === undefined || token === undefined || says === undefined) return null;
  if (typeof subscriptionId !== 'string' || subscriptionId === '' || subscriptionId.length > LONGEST_ID) return null;
  return { channel, remote: subscriptionId, token, number: null, says };
};

/** The hints of one request, which may hold notifications of many subscriptions and many of one; what comes twice is one. */
export const hintsIn = (body: unknown): readonly Hint[] => {
  const hints = new Map<string, Hint>();
  for (const item of itemsIn(body)) {
    const hint = hintOf(item);
    if (hint !== null) hints.set(JSON.stringify([hint.channel, hint.remote, hint.token, hint.says]), hint);
    if (hints.size === MOST_HINTS) break;
  }
  return [...hints.values()];
};

/** Graph's tokens have some hundred characters. */
const PRINTABLE = /^[ -~]{1,1024}$/;

/**
 * The token by which Graph asks whether an address takes its notifications, to be answered as it is, decoded and as plain text; null where none is
 * asked, or something that no token is.
 */
export const validationTokenIn = (query: URLSearchParams): string | null => {
  const [token, ...others] = query.getAll('validationToken');
  return token !== undefined && others.length === 0 && PRINTABLE.test(token) ? token : null;
};
