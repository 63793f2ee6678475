import { type Clock, MINUTE } from '../../kernel/clock.js';
import { type Delivered } from '../../kernel/broker.js';
import { type Fate } from '../../kernel/delivery.js';
import { type Health } from '../../kernel/health.js';
import { type Log } from '../../kernel/log.js';
import { EmbeddedBroker } from './broker.server.js';
import { type BrokerDatabase, type Seen, unseen } from './group.member.js';
import { lagsOf } from './messages.sql.js';

type Means = Readonly<{
  database: BrokerDatabase;
  clock: Clock;
  log: Log;
  declaresRetry: (topic: string) => boolean;
  failed: (message: Delivered, fate: Fate) => void;
}>;

/** A consumer of this machine's broker for one host of Nest's handlers. It goes on by itself, so that `ended` never settles. */
export type EmbeddedConsumer = Readonly<{
  strategy: EmbeddedBroker;
  inspect: () => Promise<void>;
  ended: Promise<never>;
  health: () => Health;
  lags: () => ReadonlyMap<string, number>;
  fetchedAt: () => number | null;
  close: () => Promise<void>;
}>;

/** While the database is away it is no member, which the check of the database tells more of. */
const standing = ({ isMember, partitions }: Seen): Health => {
  if (!isMember) return { ok: false, isPartial: true, detail: 'not a member of its group yet' };
  if (partitions === 0) return { ok: true, detail: 'standing by: other members have all partitions' };
  return { ok: true, detail: `reads ${partitions} partitions` };
};

/** Makes a consumer. `topics`: those whose lag is told; those that are read are the patterns of the handlers. */
export const embeddedConsumer = (
  { database, clock, log, declaresRetry, failed }: Means,
  { group, topics }: Readonly<{ group: string; topics: readonly string[] }>,
): EmbeddedConsumer => {
  const seen = unseen();
  let lags: ReadonlyMap<string, number> = new Map();
  const look = async (): Promise<void> => {
    lags = await lagsOf(database, group, topics);
  };
  const timer = setInterval(() => void look().catch(() => undefined), MINUTE);
  return {
    strategy: new EmbeddedBroker({ database, log, group, declaresRetry, failed, seen, clock }),
    inspect: look,
    ended: new Promise<never>(() => undefined),
    health: () => standing(seen),
    lags: () => lags,
    fetchedAt: () => seen.lookedAt,
    close: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
};
