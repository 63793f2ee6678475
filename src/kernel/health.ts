/**
 * What a check found. `detail` is a sentence for operators, without personal data. `isPartial`: what is not ok lets the process do all else, so that
 * it is not taken out of service for it.
 */
export type Health = Readonly<{ ok: boolean; detail?: string; isPartial?: true }>;

export type NamedHealth = Health & Readonly<{ name: string }>;

/** Asks one engine or worker how it is; one that throws or takes longer than two seconds counts as not ok. */
export type HealthCheck = () => Health | Promise<Health>;

/** Everything `/health/ready` asks: modules add what they depend on, once, under a name of their own. */
export type HealthChecks = Readonly<{
  add: (name: string, check: HealthCheck) => void;
  /** Checks that another thread of the process has run, asked for whenever these are. */
  include: (source: () => Promise<readonly NamedHealth[]>) => void;
  run: () => Promise<readonly NamedHealth[]>;
}>;

/** DI token of the `HealthChecks`. */
export const HEALTH_CHECKS = Symbol('HealthChecks');
