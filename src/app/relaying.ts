import { type Following, notFollowing, runFollower } from '../infra/postgres/follower.runner.js';
import { stepsOf } from '../infra/postgres/projection.apply.js';
import { setAside } from '../infra/postgres/set-aside.postgres.js';
import { type Publisher } from '../kernel/broker.js';
import { type Follower, type Placed, type Source } from '../kernel/follower.js';
import { type Health, type HealthChecks } from '../kernel/health.js';
import { FACTS_OF_CALENDARS } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { mergedEventsRuns } from '../merged-events/merged-events.runs.js';
import { type FollowedFact } from '../relay/account-facts.codec.js';
import { type Reason } from '../relay/changes.source.js';
import { type Publishing } from '../relay/relay.ports.js';
import { RELAY_NAMES, relayRuns } from '../relay/relay.runs.js';
import { waitingTellings } from '../relay/tellings.rows.js';
import { type Runtime } from './runtime.js';
import { type Work } from './supervised.js';

/** What is known of the relay's followers in this process. `whole`: why all calendars are told whole at the moment. */
type Standing = { whole: Reason | null };

const REASONS: Readonly<Record<Reason, string>> = {
  first: 'nothing was published before',
  late: 'changes were dropped before they were published',
  'built-again': 'the merged calendar was built again',
};

/** The relay's trouble takes nothing else out of service. */
const healthOf = ({ failure, running, live }: Following, whole: Reason | null): Health => {
  if (failure !== null) return { ok: false, isPartial: true, detail: `stopped (${failure.code}): ${failure.sentence}` };
  if (whole !== null && whole !== 'first')
    return { ok: false, isPartial: true, detail: `publishes all calendars whole: ${REASONS[whole]}` };
  return { ok: true, detail: running ? (live ? 'live' : 'catching up') : 'standing by' };
};

/** How far the followers that run here are behind the log. */
const measure = ({ metrics, store, clock, database }: Runtime, all: readonly Following[]): void => {
  const here = () => all.filter(({ running, failure }) => running || failure !== null);
  metrics.asked(
    'relay_live',
    '1 when a follower of the relay has published all there is, 0 while it catches up or has stopped',
    ['relay'],
    () => Promise.resolve(here().map(({ name, live }) => ({ value: live ? 1 : 0, labels: { relay: name } }))),
  );
  metrics.asked('relay_calendars_to_tell', 'Calendars that are still to be published whole', [], async () => [
    { value: await waitingTellings(database), labels: {} },
  ]);
  metrics.asked('relay_position_lag_seconds', 'Age of the first event of the log that a follower has not come to', ['relay'], () =>
    Promise.all(
      here().map(async ({ name, live, position }) => {
        const next = live ? null : await store.following(position);
        return { value: next === null ? 0 : (clock.now() - Date.parse(next.recordedAt)) / 1_000, labels: { relay: name } };
      }),
    ),
  );
};

/** Tells operators that all calendars are told whole, and why. */
const wholeTeller = ({ log, metrics }: Pick<Runtime, 'log' | 'metrics'>, standing: Standing) => {
  const told = metrics.counter('relay_whole_total', 'How often all calendars were published whole, by the reason', ['reason']);
  return (whole: Reason | null): void => {
    standing.whole = whole;
    if (whole === null) return;
    told({ reason: whole });
    const say = whole === 'first' ? log.info : log.warn;
    say(`all calendars are published whole: ${REASONS[whole]}`, { reason: whole });
  };
};

/** The facts of accounts; one of a calendar's that cannot be read is an item among them. */
export const factsOf = ({ store }: Pick<Runtime, 'store'>): Source<FollowedFact> => {
  const followed = { ...relayRuns.facts, separable: FACTS_OF_CALENDARS };
  return (after, signal) => stepsOf(store, followed, after, signal);
};

const noteAside =
  ({ log }: Pick<Runtime, 'log'>) =>
  async (sql: Sql, fact: Extract<FollowedFact, Error>): Promise<void> => {
    log.error('a fact of a calendar cannot be published, because it cannot be read', fact, { relay: RELAY_NAMES.connections });
    const { stream, position, at } = fact;
    await setAside(sql, RELAY_NAMES.connections, FACTS_OF_CALENDARS, { stream, position, at, generation: null, error: fact });
  };

/** Loaded with its client of Apache Kafka, where there is one. */
const watchTopics = async (
  kafka: NonNullable<Runtime['kafka']>,
  { log }: Pick<Runtime, 'log'>,
  health: Pick<HealthChecks, 'add'>,
): Promise<Work> => {
  const { topicsWatch } = await import('../infra/kafka/topics.watch.js');
  const { readTopics } = await import('../infra/kafka/topics.file.js');
  const watch = topicsWatch(kafka, log, readTopics());
  health.add('topics', watch.health);
  return watch.run;
};

/**
 * Publishes what changes in calendars until aborted, where no other process does. `check` throws what it fails at.
 */
export const relayingEvents = async (
  runtime: Pick<Runtime, 'database' | 'store' | 'clock' | 'log'>,
  publishing: Publishing,
): Promise<(signal: AbortSignal) => Readonly<{ ended: Promise<void>; check: () => void }>> => {
  const { database } = runtime;
  const told = await mergedEventsRuns.told();
  const follower = relayRuns.followers.events({ ...runtime, ...publishing, ...told(database), onWhole: () => undefined });
  return (signal) => {
    const progress = notFollowing(follower.name);
    const check = (): void => {
      if (progress.failure !== null) throw new Error(progress.failure.sentence);
    };
    return { ended: runFollower(runtime, follower, progress, signal), check };
  };
};

/** What the relay does where there is a broker that others read: one worker for each follower, by name. */
export const relaying = async (
  runtime: Runtime,
  publisher: Pick<Publisher, 'publish'>,
  health: Pick<HealthChecks, 'add'>,
): Promise<ReadonlyMap<string, Work>> => {
  const { database, store, clock, metrics } = runtime;
  const { followers } = relayRuns;
  const told = await mergedEventsRuns.told();
  const standing: Standing = { whole: null };
  const published = metrics.counter('relay_published_total', 'Messages that the broker has acknowledged', ['topic']);
  const onPublished = (topic: string, count: number): void => {
    published({ topic }, count);
  };
  const [works, all] = [new Map<string, Work>(), [] as Following[]];
  const add = <T extends Placed>(follower: Follower<T>, whole: () => Reason | null): void => {
    const progress = notFollowing(follower.name);
    all.push(progress);
    health.add(`relay ${follower.name.replace('relay_', '')}`, () => healthOf(progress, whole()));
    works.set(follower.name, (signal) => runFollower(runtime, follower, progress, signal));
  };
  const publishing = { publisher, onPublished, store };
  add(followers.connections({ ...publishing, facts: factsOf(runtime), setAside: noteAside(runtime) }), () => null);
  add(
    followers.events({ ...publishing, database, clock, ...told(database), onWhole: wholeTeller(runtime, standing) }),
    () => standing.whole,
  );
  add(followers.audit(publishing), () => null);
  measure(runtime, all);
  if (runtime.kafka !== null) works.set('topics', await watchTopics(runtime.kafka, runtime, health));
  return works;
};
