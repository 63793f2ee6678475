import { afterAll } from '@jest/globals';

type Stoppable = Readonly<{ stop: () => Promise<void> }>;

/** Opens what a suite needs, and stops it after the suite in reverse order, also when a later one failed to start. */
export const suiteResources = (): (<T extends Stoppable>(starting: Promise<T>) => Promise<T>) => {
  const open: Stoppable[] = [];
  afterAll(async () => {
    for (const each of open.reverse()) await each.stop();
  });
  return async (starting) => {
    const started = await starting;
    open.push(started);
    return started;
  };
};
