import { type Clock, MINUTE, SECOND } from '../kernel/clock.js';
import { gathered } from '../kernel/gathered.js';
import { type Metrics } from '../kernel/metrics.js';
import { Refused } from '../kernel/refused.js';
import { type Database } from '../kernel/sql.js';
import { type Providers } from '../provider/calendar-provider.js';
import { type HeaderOf, type Hint } from '../provider/push.js';
import { type Heard, heardOf, merged, type Outcome, outcomeOf } from './hint-outcome.js';
import { shortMemory } from './short-memory.js';
import { isProved } from './webhook.check.js';
import { channelsOf, hear, type KnownChannel } from './webhook.sql.js';

export type DoorPorts = Readonly<{ database: Database; providers: Providers; clock: Clock; metrics: Metrics }>;

/** A notification as it came in. `body`: parsed JSON. */
export type Notification = Readonly<{ provider: string; header: HeaderOf; body: unknown }>;

/**
 * Takes a notification, and resolves when what it says is committed: whether any of it was proved. Throws `webhook.busy` (503), and `EngineAway` while
 * the database is away: services send again what was answered so.
 */
export type Door = (notification: Notification) => Promise<boolean>;

/** Ids of channels are ours, and no longer. */
const LONGEST_ID = 64;

/** Notifications that wait for what is read or written before them. */
const MOST_WAITING = 1_000;

/** Ids that name no channel. None of them becomes one later, because a channel's row is committed before its service hears of it. */
const MOST_UNKNOWN = 10_000;

const busy = (): Refused =>
  new Refused('webhook.busy', 503, 'More notifications wait than this process holds. Send it again in a moment.', (2 * SECOND) / SECOND);

/** Reads and writes for many notifications at once, one statement at a time: a flood takes one connection to the database, and little memory. */
export const webhookDoor = ({ database, providers, clock, metrics }: DoorPorts): Door => {
  const counted = metrics.counter('webhook_notifications_total', 'Notifications of calendar services, by what became of them', [
    'provider',
    'outcome',
  ]);
  const unknown = shortMemory(MOST_UNKNOWN, MINUTE, clock.now);
  const look = gathered(MOST_WAITING, (ids: readonly string[]) => channelsOf(database, ids));
  const write = gathered(MOST_WAITING, (all: readonly Heard[]) => hear(database, clock, merged(all)));
  const inLine = <T>(provider: string, answer: Promise<T> | null): Promise<T> => {
    if (answer !== null) return answer;
    counted({ provider, outcome: 'busy' });
    throw busy();
  };
  const channelOf = async (provider: string, id: string): Promise<KnownChannel | null> => {
    if (id.length > LONGEST_ID || unknown.has(id)) return null;
    const found = (await inLine(provider, look(id))).get(id);
    if (found === undefined) unknown.add(id);
    return found?.provider === provider ? found : null;
  };
  const taken = async (provider: string, hint: Hint): Promise<Outcome | 'refused'> => {
    const channel = await channelOf(provider, hint.channel);
    if (!isProved(hint, channel) || channel === null) return 'refused';
    const outcome = outcomeOf(hint, channel);
    const heard = heardOf(hint, outcome, channel);
    if (heard !== null) await inLine(provider, write(heard));
    return outcome;
  };
  return async ({ provider, header, body }) => {
    const hints = providers.get(provider)?.push?.read(header, body) ?? [];
    const outcomes = hints.length === 0 ? (['refused'] as const) : await Promise.all(hints.map((hint) => taken(provider, hint)));
    for (const outcome of outcomes) counted({ provider, outcome });
    return outcomes.some((outcome) => outcome !== 'refused');
  };
};
