import { type RoleBody, type Works } from './role.body.js';

/** Of followers, one each, and of consumers' handlers. */
const CONNECTIONS = 8;

const worksOf = (): Works => ({ lasting: new Map(), first: [] });

/** Publishes what happens to topics, and handles what comes by topics. It calls no calendar service. */
export const relay: RoleBody = {
  connections: CONNECTIONS,
  openProviders: () => ({ providers: new Map(), close: () => Promise.resolve() }),
  worksOf,
};
