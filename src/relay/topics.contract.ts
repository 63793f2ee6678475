import { AUDIT } from './audit.contract.js';
import { type TopicContract } from './cloud-event.contract.js';
import { CONNECTIONS } from './connections.contract.js';
import { EVENTS } from './events.contract.js';

/** The topics the relay publishes to. */
export const RELAY_TOPICS: readonly TopicContract[] = [CONNECTIONS, EVENTS, AUDIT];
