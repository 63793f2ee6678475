import { type Role } from '../config/variables.config.js';
import { type HealthChecks } from '../kernel/health.js';
import { type OpenProviders, type Runtime } from './runtime.js';
import { supervised, type Work } from './supervised.js';

/** `lasting`: workers by name, each supervised; `first`: what is begun with them. */
export type Works = Readonly<{ lasting: ReadonlyMap<string, Work>; first: readonly Work[] }>;

/** What a role's runtime is opened with. `connections`: to the database at most. */
type Needs = Readonly<{ connections: number; openProviders: OpenProviders }>;

/** What a role does besides answering requests, and what it takes for it. */
export type RoleBody = Needs & Readonly<{ worksOf: (runtime: Runtime, health: HealthChecks) => Works | Promise<Works> }>;

/**
 * Where a role is played: a thread of its own, or the main thread of the process. `open` waits for the engines, and answers null when the process is
 * told to stop before they have started.
 */
type Place = Readonly<{ open: (needs: Needs) => Promise<Runtime | null>; health: HealthChecks; signal: AbortSignal }>;

/** `rested`: resolves when all of the role's work has come to rest, after `signal` was aborted. */
type Playing = Readonly<{ rested: Promise<unknown> }>;

/**
 * A role of a process. `thread`: it has a thread of its own where the process plays other roles too; `with brokers`: only where `KAFKA_BROKERS` names
 * some. `late`: in the main thread it is loaded and started when the process listens, which does not wait for it. `start` resolves when its work has begun.
 */
export type PlayableRole = Readonly<{
  name: Role;
  thread: boolean | 'with brokers';
  late: boolean;
  start: (place: Place) => Promise<Playing>;
}>;

/** Does what a role does, until aborted; resolves when all of it has come to rest. A worker that fails ends no other. */
const playRole = async (
  { worksOf }: Pick<RoleBody, 'worksOf'>,
  runtime: Runtime,
  health: HealthChecks,
  signal: AbortSignal,
): Promise<unknown> => {
  const { log, metrics } = runtime;
  const { lasting, first } = await worksOf(runtime, health);
  return Promise.all([
    ...[...lasting].map(([name, work]) => supervised({ log, metrics, health }, name, work, signal)),
    ...first.map((work) =>
      work(signal).catch((error: unknown) => {
        log.error('what is done once at the start failed', error);
      }),
    ),
  ]);
};

/** Starts a role that is loaded where it is played, and nothing of the others: each thread pays for what it loads. */
export const playing =
  (load: () => Promise<RoleBody>): PlayableRole['start'] =>
  async ({ open, health, signal }) => {
    const body = await load();
    const runtime = await open(body);
    return { rested: runtime === null ? Promise.resolve() : playRole(body, runtime, health, signal) };
  };
