import { inboxIn } from '../infra/postgres/inbox.postgres.js';
import { readTopics } from '../infra/kafka/topics.file.js';
import { type HealthChecks } from '../kernel/health.js';
import { consumersOf } from './broker.js';
import { type Runtime } from './runtime.js';
import { succession } from './succession.js';
import { type Work } from './supervised.js';

/** The group of the service: each message goes to one of its processes. Permanent, because offsets are kept under it. */
export const CONSUMER_GROUP = 'juy-calendar';

/** The work that reads topics. Nest and the client of the broker are loaded with it, because a start does not wait for them. */
export const consuming = (runtime: Runtime, health: Pick<HealthChecks, 'add'>): Work => {
  const consumers = succession(runtime, CONSUMER_GROUP);
  health.add('consumers', consumers.health);
  return async (signal) => {
    const { database, log } = runtime;
    const [{ host }, { CONSUMED, ConsumersModule }] = await Promise.all([import('./consumers.js'), import('./consumers.module.js')]);
    const names = new Set(readTopics().map(({ name }) => name));
    const make = await consumersOf({ ...runtime, declaresRetry: (topic) => names.has(`${topic}.retry`) });
    const inbox = inboxIn(database);
    await consumers.run(
      () => make({ group: CONSUMER_GROUP, topics: CONSUMED }),
      (consumer) => host(ConsumersModule.with({ inbox, log }), consumer, log, signal),
      signal,
    );
  };
};
