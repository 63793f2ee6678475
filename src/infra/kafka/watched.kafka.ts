import type kafkajs from 'kafkajs';
import { type Clock } from '../../kernel/clock.js';
import { type Health } from '../../kernel/health.js';
import { isDeaf, type Seen, standingOf } from './standing.js';

/** A consumer that cannot go on, or cannot begin: another is made after a pause. */
export class ConsumerEnded extends Error {
  override readonly name: string = 'ConsumerEnded';
}

/** A consumer that is alive and hears nothing (sync-rule 34). */
export class ConsumerDeaf extends ConsumerEnded {
  override readonly name = 'ConsumerDeaf';
}

/** How often a running consumer is looked at, in milliseconds. */
const LOOK = 2_000;

/** `Seen` as it changes. */
type Sight = { -readonly [K in keyof Seen]: Seen[K] };

/**
 * When fetches began and ended. Each broker is asked by itself: one that never answers keeps the others', which do, from showing that all is well. A fetch that
 * failed was not answered either, and counts from its first try.
 */
const fetches = () => {
  const underWay = new Map<number, number>();
  let last: number | null = null;
  return {
    began: (broker: number, at: number): void => {
      if (!underWay.has(broker)) underWay.set(broker, at);
    },
    ended: (broker: number, at: number): void => {
      underWay.delete(broker);
      last = at;
    },
    forget: (): void => {
      underWay.clear();
    },
    at: (): number | null => (last === null ? null : Math.min(last, ...underWay.values())),
  };
};

/** Follows what a consumer tells of itself by its events. `fail`: its client has given it up. */
const follow = (consumer: kafkajs.Consumer, seen: Sight, { now }: Clock, fail: (error: Error) => void): void => {
  const { GROUP_JOIN, FETCH_START, FETCH, CRASH, DISCONNECT, STOP, REBALANCING } = consumer.events;
  const asked = fetches();
  const left = (): void => {
    if (seen.joinedAt !== null) seen.apartSince = now();
    seen.joinedAt = null;
    seen.emptySince = null;
  };
  consumer.on(GROUP_JOIN, ({ payload }) => {
    asked.forget();
    seen.joinedAt = now();
    // The types say one number for each topic; it is a list.
    seen.assigned = Object.values(payload.memberAssignment).flat().length;
    seen.emptySince = seen.assigned === 0 ? now() : null;
  });
  consumer.on(FETCH_START, ({ payload }) => {
    asked.began(payload.nodeId, now());
    seen.fetchedAt = asked.at();
  });
  consumer.on(FETCH, ({ payload }) => {
    // The types leave out which broker it was.
    asked.ended((payload as typeof payload & Readonly<{ nodeId: number }>).nodeId, now());
    seen.fetchedAt = asked.at();
  });
  for (const event of [DISCONNECT, STOP, REBALANCING] as const) consumer.on(event as typeof STOP, left);
  consumer.on(CRASH, ({ payload }) => {
    left();
    fail(new ConsumerEnded('the client of Apache Kafka gave the consumer up', { cause: payload.error }));
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
  const seen: Sight = { joinedAt: null, apartSince: clock.now(), assigned: 0, emptySince: null, fetchedAt: null, underWay: 0 };
  const { ended, fail } = failing();
  let isAsking = false;
  const askOthers = async (since: number): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    // Another assignment may have come meanwhile.
    if ((await othersHaveAll().catch(() => false)) && seen.emptySince === since) seen.emptySince = null;
    isAsking = false;
  };
  const look = (): void => {
    if (seen.emptySince !== null) void askOthers(seen.emptySince);
    if (isDeaf(seen, clock.now())) fail(new ConsumerDeaf('the consumer hears nothing'));
  };
  const timer = setInterval(look, LOOK);
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
    /** Looks at it now, as is done every other second until it is stopped. */
    look,
    stop: (): void => {
      clearInterval(timer);
    },
  };
};
