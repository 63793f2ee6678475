import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../kernel/clock.js';
import { type Health } from '../kernel/health.js';
import { type WatchedConsumer } from './broker.js';
import { type Runtime } from './runtime.js';

/** What is known of the consumers of a process: the present one, why the one before ended, and the last that heard nothing, until another hears. */
type State = { current: WatchedConsumer | null; why: string | null; deaf: WatchedConsumer | null };

/** What follows the end of a consumer: another is made after so many milliseconds; `why` is told meanwhile, `reason` is its label. */
type Next = Readonly<{ reason: 'deaf' | 'offsets' | 'ended' | 'brokers'; why: string; pause: number }>;

const afterwards = (error: unknown): Next => {
  const [name, message] = error instanceof Error ? [error.name, error.message] : ['', ''];
  if (name === 'ConsumerDeaf') return { reason: 'deaf', why: 'a consumer that heard nothing was ended, and another begins', pause: 0 };
  if (name === 'OffsetsOutside')
    return {
      ...{ reason: 'offsets', pause: MINUTE },
      why: `stopped: ${message}; npm run kafka:offsets -- --accept goes on with what is there`,
    };
  if (name === 'ConsumerEnded') return { reason: 'ended', why: message, pause: 2 * SECOND };
  return { reason: 'brokers', why: 'the brokers cannot be reached', pause: 2 * SECOND };
};

const hasHeard = (consumer: WatchedConsumer | null): boolean => consumer !== null && consumer.fetchedAt() !== null;

/** Whether a consumer was found to hear nothing, and none has heard since. */
const isDeaf = ({ current, deaf }: State): boolean => deaf !== null && (current === deaf || !hasHeard(current));

/** Trouble with brokers takes nothing else out of service; a consumer that hears nothing does, because another process may be well. */
const healthOf = ({ current, deaf, why }: State): Health => {
  if (current !== null && current === deaf) return { ok: false, detail: 'hears nothing, and is replaced' };
  if (why !== null && !hasHeard(current)) return { ok: false, isPartial: true, detail: why };
  return current?.health() ?? { ok: false, isPartial: true, detail: 'being started' };
};

const measure = ({ metrics, clock }: Pick<Runtime, 'metrics' | 'clock'>, group: string, state: State): void => {
  metrics.asked('consumer_lag', 'Messages of a topic that its consumers have not read', ['topic', 'group'], () =>
    Promise.resolve([...(state.current?.lags() ?? [])].map(([topic, value]) => ({ value, labels: { topic, group } }))),
  );
  metrics.asked('consumer_last_fetch_age_seconds', 'How long ago the consumers of this process last asked for messages', ['group'], () => {
    const at = state.current?.fetchedAt() ?? null;
    return Promise.resolve(at === null ? [] : [{ value: (clock.now() - at) / 1_000, labels: { group } }]);
  });
  metrics.asked('consumer_deaf', '1 from when a consumer hears nothing until it or its successor hears, else 0', ['group'], () =>
    Promise.resolve([{ value: isDeaf(state) ? 1 : 0, labels: { group } }]),
  );
};

type Means = Pick<Runtime, 'metrics' | 'clock' | 'log'>;

/** The consumers of a process, one after the other: one that ends by itself is counted, told to operators and replaced. */
export const succession = (means: Means, group: string) => {
  const state: State = { current: null, why: null, deaf: null };
  const replaced = means.metrics.counter('consumer_replaced_total', 'Consumers that ended by themselves and were replaced, by the reason', [
    'group',
    'reason',
  ]);
  measure(means, group, state);

  /** One consumer, from its beginning to its end; answers what follows when it ended by itself, and null when it was told to stop. */
  const life = async (consumer: WatchedConsumer, serve: (consumer: WatchedConsumer) => Promise<void>): Promise<Next | null> => {
    state.current = consumer;
    // Known before it has stopped, which may take seconds.
    consumer.ended.catch((error: unknown) => {
      if (afterwards(error).reason === 'deaf') state.deaf = consumer;
    });
    try {
      await serve(consumer);
      return null;
    } catch (error) {
      const next = afterwards(error);
      if (next.why !== state.why || hasHeard(consumer)) means.log.error('topics are not read', error, { why: next.why });
      return next;
    } finally {
      if (!isDeaf(state)) state.deaf = null;
      state.current = null;
    }
  };

  return {
    health: (): Health => healthOf(state),
    /** Until aborted. `make`: a new consumer; `serve`: runs it until aborted, and rejects when it has ended by itself. */
    run: async (make: () => WatchedConsumer, serve: (consumer: WatchedConsumer) => Promise<void>, signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        const next = await life(make(), serve);
        if (next === null) continue;
        state.why = next.why;
        replaced({ group, reason: next.reason });
        await sleep(next.pause, undefined, { signal }).catch(() => undefined);
      }
    },
  };
};
