import { setTimeout as sleep } from 'node:timers/promises';
import { inboxIn } from '../infra/postgres/inbox.postgres.js';
import { readTopics } from '../infra/kafka/topics.file.js';
import { MINUTE, SECOND } from '../kernel/clock.js';
import { type Health, type HealthChecks } from '../kernel/health.js';
import { consumersOf, type WatchedConsumer } from './broker.js';
import { type Runtime } from './runtime.js';
import { type Work } from './supervised.js';

/** The group of the service: each message goes to one of its processes. Permanent, because offsets are kept under it. */
export const CONSUMER_GROUP = 'juy-calendar';

/** What is known of the consumers of this process: the present one, or why there is none. */
type State = { current: WatchedConsumer | null; why: string };

/** Trouble with brokers takes nothing else out of service; a consumer that hears nothing does, because another process may be well. */
const healthOf = ({ current, why }: State): Health => current?.health() ?? { ok: false, isPartial: true, detail: why };

const measure = ({ metrics, clock }: Runtime, state: State): void => {
  const group = CONSUMER_GROUP;
  metrics.asked('consumer_lag', 'Messages of a topic that its consumers have not read', ['topic', 'group'], () =>
    Promise.resolve([...(state.current?.lags() ?? [])].map(([topic, value]) => ({ value, labels: { topic, group } }))),
  );
  metrics.asked('consumer_last_fetch_age_seconds', 'How long ago the consumers of this process last asked for messages', ['group'], () => {
    const at = state.current?.fetchedAt() ?? null;
    return Promise.resolve(at === null ? [] : [{ value: (clock.now() - at) / 1_000, labels: { group } }]);
  });
};

/** How long until another consumer is made, and what is told meanwhile; null: the failure is the supervisor's. */
const afterwards = (error: unknown): Readonly<{ why: string; pause: number }> | null => {
  const [name, message] = error instanceof Error ? [error.name, error.message] : ['', ''];
  if (name === 'ConsumerDeaf') return null;
  if (name === 'OffsetsOutside')
    return { why: `stopped: ${message}; npm run kafka:offsets -- --accept goes on with what is there`, pause: MINUTE };
  return { why: name === 'ConsumerEnded' ? message : 'the brokers cannot be reached', pause: 5 * SECOND };
};

/** Runs consumers one after the other until aborted. Nest and the client of the broker are loaded here, because a start does not wait for them. */
const consume = async (runtime: Runtime, state: State, signal: AbortSignal): Promise<void> => {
  const { database, log } = runtime;
  const [{ host }, { CONSUMED, ConsumersModule }] = await Promise.all([import('./consumers.js'), import('./consumers.module.js')]);
  const names = new Set(readTopics().map(({ name }) => name));
  const make = await consumersOf({ ...runtime, declaresRetry: (topic) => names.has(`${topic}.retry`) });
  const inbox = inboxIn(database);
  while (!signal.aborted) {
    state.current = make({ group: CONSUMER_GROUP, topics: CONSUMED });
    try {
      await host(ConsumersModule.with({ inbox, log }), state.current, log, signal);
    } catch (error) {
      const next = afterwards(error);
      if (next === null) throw error;
      if (state.why !== next.why) log.error('topics are not read', error, { why: next.why });
      state.why = next.why;
      state.current = null;
      await sleep(next.pause, undefined, { signal }).catch(() => undefined);
    } finally {
      state.current = null;
    }
  }
};

/** The work that reads topics. */
export const consuming = (runtime: Runtime, health: Pick<HealthChecks, 'add'>): Work => {
  const state: State = { current: null, why: 'being started' };
  health.add('consumers', () => healthOf(state));
  measure(runtime, state);
  return (signal) => consume(runtime, state, signal);
};
