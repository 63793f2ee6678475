import { describe, expect, it } from '@jest/globals';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { supervised, type Work } from '../../src/app/supervised.js';
import { SILENT } from '../support/store.js';

const supervise = (work: Work) => {
  const [health, metrics, stopping] = [healthRegistry(), prometheusMetrics(), new AbortController()];
  const ended = supervised({ log: SILENT, health, metrics, firstPause: 1 }, 'one', work, stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
  return { health, metrics, stop };
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

describe('A worker', () => {
  it.each([
    ['rejects', () => Promise.reject(new Error('an unforeseen failure'))],
    [
      'throws at once',
      () => {
        throw new Error('an unforeseen failure');
      },
    ],
    ['comes to an end', () => Promise.resolve()],
  ] as const)('that %s is started again, shown and counted, and ends nothing else', async (_, fail) => {
    let runs = 0;
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const { health, metrics, stop } = supervise(async (signal) => {
      runs += 1;
      if (runs < 4) return fail();
      settle();
      await untilAborted(signal);
    });
    await settled;
    expect(await health.run()).toEqual([{ name: 'worker one', ok: false, detail: 'ended 3 times, and is started again' }]);
    expect(await metrics.page()).toContain('worker_ends_total{worker="one"} 3');
    await stop();
    expect(runs).toBe(4);
  });

  it('that is told to stop is not started again, even when it fails of that', async () => {
    let runs = 0;
    const { health, stop } = supervise(async (signal) => {
      runs += 1;
      await untilAborted(signal);
      throw new Error('it was stopped in the middle');
    });
    expect(await health.run()).toEqual([{ name: 'worker one', ok: true }]);
    await stop();
    expect(runs).toBe(1);
  });
});
