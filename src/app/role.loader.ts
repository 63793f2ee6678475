import { type RoleApart, type RoleBody } from './role.body.js';

const BODIES: Readonly<Record<RoleApart, () => Promise<RoleBody>>> = {
  projector: async () => (await import('./role.projector.js')).projector,
  sync: async () => (await import('./role.sync.js')).sync,
};

/** Loads a role where it is played, and nothing of the others: each thread pays for what it loads. */
export const loadRole = (role: RoleApart): Promise<RoleBody> => BODIES[role]();
