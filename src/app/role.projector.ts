import { loadCleanUps } from './clean-ups.js';
import { runCleanUps } from '../infra/postgres/clean-up.postgres.js';
import { type Progress, unstarted } from '../infra/postgres/projection.runner.js';
import { asideByCode } from '../infra/postgres/set-aside.postgres.js';
import { solitude } from '../infra/postgres/solitude.js';
import { type HealthChecks } from '../kernel/health.js';
import { measureProjections } from './measures.js';
import { mergedEventsRuns } from '../merged-events/merged-events.runs.js';
import { PROJECTIONS } from './projections.js';
import { workerOf } from './queue.js';
import { type RoleBody, type Works } from './role.body.js';
import { type Runtime } from './runtime.js';
import { inSpareTime } from './spare-time.js';
import { type Work } from './supervised.js';

/** One for each projection, and some for what cleans up beside them. */
const CONNECTIONS = 12;

/** The projection that has most to do. */
const OCCURRENCES = 'user_calendar_events';

// Loaded with the thread, while the engines are started.
const [cleanUpsOf, placing, bringZoneRules] = await Promise.all([loadCleanUps(), mergedEventsRuns.queue(), mergedEventsRuns.first()]);

/** Everybody else's calendars are well: for operators to look into. */
const aside = (byCode: Awaited<ReturnType<typeof asideByCode>>) => {
  const told = byCode.map(({ code, count }) => `${count} (${code})`).join(', ');
  return { ok: true, detail: told === '' ? 'none' : told };
};

/** Standing by is healthy: another process holds the lock. */
const standing = ({ failure, running, live, rebuilt, outdated }: Progress) => {
  if (rebuilt !== null)
    return { ok: true, detail: `rebuilding, ${Math.floor(rebuilt * 100)} % of the log; the older rows are shown meanwhile` };
  if (outdated && failure === null) return { ok: true, detail: 'standing by for a newer version of the service' };
  if (failure !== null) return { ok: false, detail: `stopped (${failure.code}): ${failure.sentence}` };
  return { ok: true, detail: running ? (live ? 'live' : 'catching up') : 'standing by' };
};

const worksOf = (runtime: Runtime, health: HealthChecks): Works => {
  const { metrics, database, store, clock, entropy, log } = runtime;
  const together = { ...runtime, solitude: solitude() };
  const lasting = new Map<string, Work>();
  lasting.set('clean_up', (stopped) => runCleanUps(together, cleanUpsOf(runtime), metrics, stopped));
  lasting.set('placement', workerOf(together, placing({ database, clock })));
  const all = PROJECTIONS.map((projection) => {
    const progress = unstarted(projection.name);
    health.add(`projection ${projection.name}`, () => standing(progress));
    lasting.set(`projection ${projection.name}`, (stopped) => projection.run(runtime, progress, stopped));
    return progress;
  });
  measureProjections(runtime, metrics, all);
  health.add('calendars set aside', async () => aside(await asideByCode(runtime.database)));
  const occurrences = all.find(({ name }) => name === OCCURRENCES);
  return {
    lasting,
    first: [(signal) => bringZoneRules({ store, clock, entropy, log }, signal), (signal) => warmUp(runtime, occurrences, signal)],
  };
};

/** Whether a projection that was up to date has had something new. */
const hadNews = (progress: Progress | undefined) => {
  let from: bigint | null = null;
  return (): boolean => {
    if (progress?.live !== true) return false;
    from ??= progress.position;
    return progress.position !== from;
  };
};

/** Loaded when it is run, because it reads a calendar, for which nothing else of this thread has any use. */
const warmUp = async ({ clock }: Runtime, occurrences: Progress | undefined, signal: AbortSignal): Promise<void> => {
  const warming = { clock, signal, isAtWork: hadNews(occurrences) };
  let round: (() => Promise<void>) | null = null;
  await inSpareTime(warming, async () => {
    round ??= await (await import('./warm-up.js')).projecting(warming);
    await round();
  });
};

/** Brings the read models up to date, and removes what has had its time. It calls no calendar service. */
export const projector: RoleBody = {
  connections: CONNECTIONS,
  openProviders: () => ({ providers: new Map(), close: () => Promise.resolve() }),
  worksOf,
};
