import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Config } from '../config/service.config.js';
import { type Role } from '../config/variables.config.js';
import { type EngineAddresses } from './engines.js';
import { type LogSettings } from '../infra/logging/log.pino.js';
import { type MetricsSnapshot, type PrometheusMetrics } from '../infra/telemetry/metrics.prometheus.js';
import { type Health, type HealthChecks, type NamedHealth } from '../kernel/health.js';
import { type Log } from '../kernel/log.js';

/** What a thread is given; it makes everything else itself. */
export type RoleThreadData = Readonly<{
  /** Names the thread in health checks, metrics and logs. */
  name: string;
  role: Role;
  config: Config;
  logSettings: LogSettings;
}>;

/** Results of the checks a thread runs for itself. */
type Findings = readonly NamedHealth[];

/** What the thread is told: to begin, to end, or to answer its health or its numbers. */
export type FromMain =
  | Readonly<{ tell: 'begin'; engines: EngineAddresses }>
  | Readonly<{ tell: 'stop' }>
  | Readonly<{ tell: 'health' | 'metrics'; question: number }>;

/** That it has begun, or the answer to the question of that number. */
export type FromThread = Readonly<{ tell: 'begun' }> | Answer;

type Answer = Readonly<{ tell: 'answer'; question: number; answer: Findings | MetricsSnapshot }>;

/** Times in milliseconds. */
const PAUSE = 1_000;

/** A thread that is busy answers late. */
const PATIENCE = 1_000;

/** A thread that leaves a question unanswered this long does not run any more. */
const SILENCE = 60_000;

/**
 * Much is read and soon forgotten: a large nursery spares most of the collector's work. The limit, twice what twenty calendars of a hundred
 * thousand events have in use when they are read at once, makes it look through the rest in time; without one garbage gathers first.
 */
const LIMITS = { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 768 };

/** A thread of this process; `tried` resolves when it has begun for the first time, or has ended without. */
export type RoleThread = Readonly<{ tried: Promise<void>; stop: () => Promise<void> }>;

/** One life of a thread: asks it, and remembers what it answered last. `onTried`: it has begun, or is over. */
const conversation = (thread: Worker, onTried: () => void) => {
  const waiting = new Map<number, (answer: Answer['answer'] | null) => void>();
  let [questions, hasBegun, hasAnswered, askedAt] = [0, false, false, null as number | null];
  thread.on('message', (from: FromThread) => {
    if (from.tell === 'begun') {
      hasBegun = true;
      onTried();
      return;
    }
    [hasAnswered, askedAt] = [true, null];
    waiting.get(from.question)?.(from.answer);
    waiting.delete(from.question);
  });
  thread.once('exit', () => {
    onTried();
    for (const none of waiting.values()) none(null);
  });
  return {
    /** Null when no answer came in time, and at once when the thread has not begun: it loads its program and hears nothing meanwhile. */
    ask: async <T extends Answer['answer']>(tell: 'health' | 'metrics'): Promise<T | null> => {
      if (!hasBegun) return null;
      const question = ++questions;
      askedAt ??= performance.now();
      const late = new AbortController();
      const answer = new Promise<T | null>((resolve) => waiting.set(question, resolve as (answer: Answer['answer'] | null) => void));
      thread.postMessage({ tell, question } satisfies FromMain);
      const found = await Promise.race([answer, sleep(PATIENCE, null, { signal: late.signal }).catch(() => null)]);
      late.abort();
      waiting.delete(question);
      return found;
    },
    stop: (): void => {
      thread.postMessage({ tell: 'stop' } satisfies FromMain);
    },
    hasAnswered: (): boolean => hasAnswered,
    /** Since when the oldest unanswered question waits, in milliseconds. */
    silentFor: (): number => (askedAt === null ? 0 : performance.now() - askedAt),
  };
};

type Conversation = ReturnType<typeof conversation>;

/** A thread that ended so often within `RECENT` milliseconds does not do its work, however well it is in between. */
const MOST_ENDS = 3;
const RECENT = 10 * 60_000;

/** Remembers when a thread ended by itself; a handful of instants. */
const endings = (thread: string, metrics: Pick<PrometheusMetrics, 'counter'>) => {
  const ended = metrics.counter('thread_ends_total', 'Threads that ended by themselves and were started again', ['thread']);
  let at: readonly number[] = [];
  const recent = (): readonly number[] => at.filter((instant) => performance.now() - instant < RECENT);
  return {
    add: (): void => {
      at = [...recent(), performance.now()];
      ended({ thread });
    },
    count: (): number => recent().length,
  };
};

const standingOf = (life: Conversation | null, ends: number): Health => {
  if (ends >= MOST_ENDS) return { ok: false, detail: `the thread ended ${ends} times within ten minutes, and is started again each time` };
  if (life === null) return { ok: false, detail: 'the thread ended and is being started again' };
  if (!life.hasAnswered()) return { ok: false, detail: 'the thread is being started' };
  if (life.silentFor() > SILENCE) return { ok: false, detail: 'the thread does not answer' };
  return { ok: true };
};

/** Asks whichever life the thread has for its health; while one that is busy does not answer, what it found last stands. */
const checksOf = (name: string, current: () => Conversation | null, ends: () => number): (() => Promise<Findings>) => {
  let [last, of]: [Findings, Conversation | null] = [[], null];
  return async () => {
    const found = (await current()?.ask<Findings>('health')) ?? null;
    const life = current();
    if (found !== null || life !== of) [last, of] = [found ?? [], life];
    return [{ name, ...standingOf(life, ends()) }, ...last];
  };
};

/** The same for its numbers. */
const numbersOf = (current: () => Conversation | null): (() => Promise<MetricsSnapshot>) => {
  let numbers: MetricsSnapshot = [];
  return async () => (numbers = (await current()?.ask<MetricsSnapshot>('metrics')) ?? numbers);
};

/** A new thread, which is told to begin when the engines have started. */
const threadOf = (data: RoleThreadData, engines: Promise<EngineAddresses>, body: URL, log: Log): Worker => {
  const thread = new Worker(body, { name: data.name, workerData: data, resourceLimits: LIMITS });
  thread.on('error', (error) => {
    log.error('a thread failed and is started again', error, { thread: data.name });
  });
  engines.then(
    (addresses) => {
      thread.postMessage({ tell: 'begin', engines: addresses } satisfies FromMain);
    },
    () => undefined,
  );
  return thread;
};

/**
 * Plays a role in a thread of its own, with connections of its own: what keeps a core busy there keeps nothing waiting here. It loads its program
 * while the engines are started, and begins when it is told where they are. A thread that ends by itself is started again. `body`: the file it
 * runs. Stopping it waits for its work to let go.
 */
export const startRoleThread = (
  data: RoleThreadData,
  engines: Promise<EngineAddresses>,
  log: Log,
  { health, metrics }: Readonly<{ health: Pick<HealthChecks, 'include'>; metrics: Pick<PrometheusMetrics, 'include' | 'counter'> }>,
  body = new URL('./role.thread.js', import.meta.url),
): RoleThread => {
  const stopping = new AbortController();
  const ends = endings(data.name, metrics);
  let life: Conversation | null = null;
  let onTried = (): void => undefined;
  const tried = new Promise<void>((resolve) => (onTried = resolve));
  const live = (): Promise<void> =>
    new Promise((resolve) => {
      const thread = threadOf(data, engines, body, log);
      life = conversation(thread, onTried);
      thread.once('exit', () => {
        life = null;
        if (!stopping.signal.aborted) ends.add();
        resolve();
      });
    });
  const keepAlive = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await live();
      await sleep(PAUSE, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const alive = keepAlive();
  metrics.include(numbersOf(() => life));
  health.include(checksOf(data.name, () => life, ends.count));
  return {
    tried,
    stop: async () => {
      stopping.abort();
      life?.stop();
      await alive;
    },
  };
};
