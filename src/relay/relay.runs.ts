import { ACCOUNT_FAMILIES } from './account-facts.codec.js';
import { auditFollower } from './audit.follower.js';
import { connectionsFollower } from './connections.follower.js';
import { eventsFollower } from './events.follower.js';

/** Names of the relay's followers, of their checkpoints and locks; permanent. */
export const RELAY_NAMES = { connections: 'relay_connections', events: 'relay_events', audit: 'relay_audit' } as const;

/** What this slice runs. */
export const relayRuns = {
  /** What is followed of accounts, and by which name. */
  facts: { name: RELAY_NAMES.connections, families: ACCOUNT_FAMILIES },
  followers: { connections: connectionsFollower, events: eventsFollower, audit: auditFollower },
} as const;
