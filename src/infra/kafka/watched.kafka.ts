import type kafkajs from 'kafkajs';
import { type Clock } from '../../kernel/clock.js';
import { type Health } from '../../kernel/health.js';
import { isDeaf, type Seen, standingOf } from './standing.js';

/** A consumer that cannot go on, or cannot begin: another is made after a pause. */
export class ConsumerEnded extends Error {
  override readonly name: string = 'ConsumerEnded';
}

/** A consumer that is a member of its group and hears nothing (sync-rule 34). */
export class ConsumerDeaf extends ConsumerEnded {
  override readonly name = 'ConsumerDeaf';
}

/** How often a running consumer is looked at, in milliseconds. */
const LOOK = 2_000;

/** `Seen` as it changes. */
type Sight = { -readonly [K in keyof Seen]: Seen[K] };

/** Follows what a consumer tells of itself by its events. `fail`: its client has given it up. */
const follow = (consumer: kafkajs.Consumer, seen: Sight, { now }: Clock, fail: (error: Error) => void): void => {
  const { GROUP_JOIN, FETCH, CRASH, DISCONNECT, STOP, REBALANCING } = consumer.events;
  const left = (): void => {
    seen.joinedAt = null;
    seen.emptySince = null;
  };
  consumer.on(GROUP_JOIN, ({ payload }) => {
    seen.joinedAt = now();
    // The types say one number for each topic; it is a list.
    seen.assigned = Object.values(payload.memberAssignment).flat().length;
    seen.emptySince = seen.assigned === 0 ? now() : null;
  });
  consumer.on(FETCH, () => {
    seen.fetchedAt = now();
  });
  for (const event of [DISCONNECT, STOP, REBALANCING] as const) consumer.on(event as typeof STOP, left);
  consumer.on(CRASH, ({ payload }) => {
    left();
    if (!payload.restart) fail(new ConsumerEnded('the client of Apache Kafka gave the consumer up', { cause: payload.error }));
  });
};

/** A promise that can be made to fail from outside, also before it is waited for. */
const failing = () => {
  let fail: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  ended.catch(() => undefined);
  return { ended, fail };
};

/** What is seen of a consumer by its own events (sync-rule 34): no other member joins its group to find out. */
export const watchConsumer = (clock: Clock, othersHaveAll: () => Promise<boolean>) => {
  const seen: Sight = { joinedAt: null, assigned: 0, emptySince: null, fetchedAt: null, underWay: 0, startedAt: clock.now() };
  const { ended, fail } = failing();
  const look = async (): Promise<void> => {
    if (seen.emptySince !== null && (await othersHaveAll().catch(() => false))) seen.emptySince = null;
    if (isDeaf(seen, clock.now())) fail(new ConsumerDeaf('the consumer is a member of its group and hears nothing'));
  };
  const timer = setInterval(() => void look(), LOOK);
  return {
    follow: (consumer: kafkajs.Consumer): void => {
      follow(consumer, seen, clock, fail);
    },
    ended,
    fail,
    begun: (): (() => void) => {
      seen.underWay += 1;
      return () => {
        seen.underWay -= 1;
      };
    },
    health: (): Health => standingOf(seen, clock.now()),
    fetchedAt: (): number | null => seen.fetchedAt,
    stop: (): void => {
      clearInterval(timer);
    },
  };
};
