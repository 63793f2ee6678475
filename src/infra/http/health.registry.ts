import { type Health, type HealthCheck, type HealthChecks, type NamedHealth } from '../../kernel/health.js';

const PATIENCE = 2_000;

/** A check that fails says so without its error's message, which may quote data: the log has the rest. */
const ask = async (check: HealthCheck): Promise<Health> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Health>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, { ok: false, detail: 'did not answer in time' });
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return { ok: false, detail: 'could not be asked' };
  } finally {
    clearTimeout(timer);
  }
};

/** Checks of one process, asked side by side. */
export const healthRegistry = (): HealthChecks => {
  const checks = new Map<string, HealthCheck>();
  const others: (() => Promise<readonly NamedHealth[]>)[] = [];
  return {
    add: (name, check) => {
      if (checks.has(name)) throw new Error(`There are two health checks called ${name}`);
      checks.set(name, check);
    },
    include: (source) => {
      others.push(source);
    },
    run: async () => {
      const own = [...checks].map(async ([name, check]): Promise<readonly NamedHealth[]> => [
        { name, ...(await ask(async () => check())) },
      ]);
      return (await Promise.all([...own, ...others.map((source) => source())])).flat();
    },
  };
};
