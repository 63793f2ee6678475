import { type Resource, type Teams } from '../../src/kernel/teams.js';

/** For what is not about teams: no person is in any. */
export const NO_TEAMS: Teams = {
  remember: () => Promise.resolve(),
  mates: () => Promise.resolve(new Set<string>()),
  resources: () => Promise.resolve(new Map<string, Resource>()),
};
