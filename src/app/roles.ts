import { type Role } from '../config/variables.config.js';
import { type PlayableRole, playing } from './role.body.js';

/**
 * Every role there is. A role with a thread keeps a core busy for seconds, in which the main thread must go on answering. Each is loaded when it is
 * started.
 */
const BY_NAME: Readonly<Record<Role, PlayableRole>> = {
  // Its routes are part of the HTTP server, which every process has for its health and metrics.
  api: { name: 'api', thread: false, late: false, start: () => Promise.resolve({ rested: Promise.resolve() }) },
  projector: { name: 'projector', thread: true, late: false, start: playing(async () => (await import('./role.projector.js')).projector) },
  sync: { name: 'sync', thread: true, late: false, start: playing(async () => (await import('./role.sync.js')).sync) },
  relay: { name: 'relay', thread: 'with brokers', late: true, start: playing(async () => (await import('./role.relay.js')).relay) },
};

export const roleNamed = (name: Role): PlayableRole => BY_NAME[name];

type Cast = Readonly<{ apart: readonly PlayableRole[]; here: readonly PlayableRole[] }>;

/**
 * Which roles of a process get a thread of their own, and which run in its main thread. A single role runs in the main thread. `brokers`: whether
 * `KAFKA_BROKERS` names some.
 */
export const cast = (names: ReadonlySet<Role>, { brokers }: Readonly<{ brokers: boolean }>): Cast => {
  const played = [...names].map(roleNamed);
  const isApart = ({ thread }: PlayableRole): boolean => (thread === 'with brokers' ? brokers : thread) && played.length > 1;
  return { apart: played.filter(isApart), here: played.filter((role) => !isApart(role)) };
};
