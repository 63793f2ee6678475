import { type Role } from '../config/variables.config.js';
import { type HealthChecks } from '../kernel/health.js';
import { type OpenProviders, type Runtime } from './runtime.js';
import { supervised, type Work } from './supervised.js';

/** A role that may have a thread of its own. */
export type RoleApart = Exclude<Role, 'api'>;

/** `lasting`: workers by name, each supervised; `first`: what is begun with them. */
export type Works = Readonly<{ lasting: ReadonlyMap<string, Work>; first: readonly Work[] }>;

/** What a role does besides answering requests, and what it takes for it. */
export type RoleBody = Readonly<{
  /** To the database at most. */
  connections: number;
  openProviders: OpenProviders;
  worksOf: (runtime: Runtime, health: HealthChecks) => Works;
}>;

/** Does what a role does, until aborted; resolves when all of it has come to rest. A worker that fails ends no other. */
export const playRole = (
  { worksOf }: Pick<RoleBody, 'worksOf'>,
  runtime: Runtime,
  health: HealthChecks,
  signal: AbortSignal,
): Promise<unknown> => {
  const { log, metrics } = runtime;
  const { lasting, first } = worksOf(runtime, health);
  return Promise.all([
    ...[...lasting].map(([name, work]) => supervised({ log, metrics, health }, name, work, signal)),
    ...first.map((work) =>
      work(signal).catch((error: unknown) => {
        log.error('what is done once at the start failed', error);
      }),
    ),
  ]);
};
