import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE } from '../../kernel/clock.js';
import { type Health } from '../../kernel/health.js';
import { type Log } from '../../kernel/log.js';
import { asAdmin } from './admin.kafka.js';
import { kafkaClient } from './client.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { foundTopics } from './topics.admin.js';
import { type Topic } from './topics-list.js';
import { planOf, type Step } from './topics-plan.js';

/** One try: a start does not wait long for a broker that is away. */
const BRIEF = { retries: 1, maxRetryTime: 500 };

/** What of the topics of a broker is not as it is wanted; none: all of them are. */
const differing = async (settings: KafkaSettings, log: Log, wanted: readonly Topic[]): Promise<readonly Step[]> =>
  asAdmin(kafkaClient(settings, log, BRIEF), async (admin) => planOf(wanted, await foundTopics(admin, wanted))).then((plan) =>
    plan.filter(({ action }) => action !== 'none'),
  );

/** The topics that a broker lacks; none also where it is away, which health tells. */
export const missingTopics = async (settings: KafkaSettings, log: Log, wanted: readonly Topic[]): Promise<readonly string[]> => {
  try {
    return (await differing(settings, log, wanted)).filter(({ action }) => action === 'create').map(({ topic }) => topic.name);
  } catch {
    log.warn('Apache Kafka cannot be reached now: its topics are looked at again once a minute');
    return [];
  }
};

const healthOf = (steps: readonly Step[]): Health => {
  if (steps.length === 0) return { ok: true };
  const told = steps.map(({ topic, why }) => `${topic.name}: ${why}`).join('; ');
  return { ok: false, isPartial: true, detail: `not as kafka/topics.yaml wants them (npm run kafka:topics): ${told}` };
};

/** Looks at the topics of a broker each minute, and warns when they begin to differ from what is wanted. */
export const topicsWatch = (settings: KafkaSettings, log: Log, wanted: readonly Topic[]) => {
  let health: Health = { ok: true };
  const look = async (): Promise<Health> => {
    try {
      return healthOf(await differing(settings, log, wanted));
    } catch {
      return { ok: false, isPartial: true, detail: 'Apache Kafka cannot be reached' };
    }
  };
  return {
    health: (): Health => health,
    run: async (signal: AbortSignal): Promise<void> => {
      const isOver = (): boolean => signal.aborted;
      while (!isOver()) {
        const found = await look();
        if (found.detail !== undefined && found.detail !== health.detail) log.warn(`topics: ${found.detail}`);
        health = found;
        await sleep(MINUTE, undefined, { signal }).catch(() => undefined);
      }
    },
  };
};
