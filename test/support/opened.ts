import { afterAll, afterEach } from '@jest/globals';

type Stoppable = Readonly<{ stop: () => Promise<void> }>;

/** Opens what a suite needs, and stops it after the suite in reverse order, also when a later one failed to start or an earlier one to stop. */
export const suiteResources = (): (<T extends Stoppable>(starting: Promise<T>) => Promise<T>) => {
  const open: Stoppable[] = [];
  afterAll(async () => {
    const failures: unknown[] = [];
    for (const each of open.reverse()) await each.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped');
  });
  return async (starting) => {
    const started = await starting;
    open.push(started);
    return started;
  };
};

/**
 * Ends what a test began when it is over, however it went, all at once since one may wait for another: what is left running would keep the
 * tests from ever ending. What the test has ended itself is ended again, which must change nothing.
 */
export const testEndings = (): ((end: () => unknown) => void) => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
  });
  return (end) => ends.push(end);
};
