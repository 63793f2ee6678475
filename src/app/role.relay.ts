import { type HealthChecks } from '../kernel/health.js';
import { publisherOf } from './broker.js';
import { consuming } from './consuming.js';
import { relaying } from './relaying.js';
import { type RoleBody, type Works } from './role.body.js';
import { type Runtime } from './runtime.js';
import { type Work } from './supervised.js';

/** One for each follower, and some for the handlers of consumers. */
const CONNECTIONS = 10;

/** No one outside reads the topics of this machine's broker: they are fed only where brokers are named. */
const worksOf = async (runtime: Runtime, health: HealthChecks): Promise<Works> => {
  const lasting = new Map<string, Work>();
  if (runtime.kafka !== null) {
    for (const [name, work] of await relaying(runtime, await publisherOf(runtime), health)) lasting.set(name, work);
  }
  lasting.set('consumers', consuming(runtime, health));
  return { lasting, first: [] };
};

/** Publishes what happens to topics, and handles what comes by topics. It calls no calendar service. */
export const relay: RoleBody = {
  connections: CONNECTIONS,
  openProviders: () => ({ providers: new Map(), close: () => Promise.resolve() }),
  worksOf,
};
