import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/service.config.js';
import { type EngineAddresses } from '../../src/app/engines.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { type MetricsSnapshot } from '../../src/infra/telemetry/metrics.prometheus.js';
import { startRoleThread } from '../../src/app/role.supervisor.js';
import { testEndings } from '../support/opened.js';
import { eventually, SILENT } from '../support/store.js';

const BODY = new URL('../support/thread.mjs', import.meta.url);

const ENGINES = { databaseUrl: '', eventStoreUrl: '', sandbox: null };

const FOUND = { name: 'its own check', ok: true };

describe('A thread that plays roles for a process', () => {
  const atEnd = testEndings();

  const start = (name: string, engines: Promise<EngineAddresses> = Promise.resolve(ENGINES)) => {
    const health = healthRegistry();
    let numbers = (): Promise<MetricsSnapshot> => Promise.resolve([]);
    let ends = 0;
    const metrics = { include: (source: typeof numbers) => (numbers = source), counter: () => () => void (ends += 1) };
    const data = { name, role: 'sync', config: readConfig({}), logSettings: { level: 'silent', format: 'json' } } as const;
    const { tried, stop } = startRoleThread(data, engines, SILENT, { health, metrics }, BODY);
    atEnd(stop);
    return { health: () => health.run(), numbers: () => numbers(), ends: () => ends, tried, stop };
  };
  const answering = (name: string, thread: ReturnType<typeof start>) =>
    eventually('it answers', async () => (await thread.health()).some((check) => check.name === name && check.ok));

  it('makes the process ready when it answers, and shows its own checks beside it', async () => {
    const thread = start('idle');
    await answering('idle', thread);
    expect(await thread.health()).toEqual([{ name: 'idle', ok: true }, FOUND]);
  });

  it('has begun when it is said to, and then answers the first who asks', async () => {
    const thread = start('idle');
    await thread.tried;
    expect(await thread.health()).toEqual([{ name: 'idle', ok: true }, FOUND]);
  });

  it('is not waited for when it ends before it has begun', async () => {
    const thread = start('starting');
    void thread.stop();
    await thread.tried;
    expect(await thread.health()).toMatchObject([{ name: 'starting', ok: false }]);
  });

  it('is asked nothing until it has begun, so that no probe waits for it', async () => {
    const thread = start('starting');
    const STARTING = { name: 'starting', ok: false, detail: 'the thread is being started' };
    for (let time = 1; time <= 3; time += 1) {
      expect(await thread.health()).toEqual([STARTING]);
      expect(await thread.numbers()).toEqual([]);
    }
  });

  it('waits for the engines, and is told where they are in each of its lives', async () => {
    let tell: (engines: EngineAddresses) => void = () => undefined;
    const thread = start('mortal', new Promise((resolve) => (tell = resolve)));
    expect(await thread.health()).toMatchObject([{ ok: false, detail: 'the thread is being started' }]);
    tell(ENGINES);
    await answering('mortal', thread);
    void thread.numbers();
    await eventually('it has ended', () => thread.ends() === 1);
    await answering('mortal', thread);
  });

  it('that waits for engines which do not start is gone when the process has stopped it', async () => {
    const thread = start('idle', Promise.reject(new Error('no engines')));
    await thread.stop();
    expect(await thread.health()).toMatchObject([{ name: 'idle', ok: false }]);
  });

  it('is started again when it ends, and the process is not ready meanwhile', async () => {
    const thread = start('mortal');
    await answering('mortal', thread);
    void thread.numbers();
    const found = await eventually('it has ended', async () => {
      const checks = await thread.health();
      return checks.length === 1 ? checks : null;
    });
    expect(found).toEqual([{ name: 'mortal', ok: false, detail: 'the thread ended and is being started again' }]);
    await answering('mortal', thread);
  });

  it('that ends again and again makes the process not ready, also while it runs, and is counted', async () => {
    const thread = start('mortal');
    for (let time = 1; time <= 3; time += 1) {
      await answering('mortal', thread);
      void thread.numbers();
      await eventually('it has ended', () => thread.ends() === time);
    }
    const found = await eventually('it runs again', async () => {
      const checks = await thread.health();
      return checks.length === 2 ? checks : null;
    });
    expect(found[0]).toEqual({
      name: 'mortal',
      ok: false,
      detail: 'the thread ended 3 times within ten minutes, and is started again each time',
    });
  });

  it('stands as it did last while it is busy', async () => {
    const thread = start('busy');
    await answering('busy', thread);
    void thread.numbers();
    expect(await thread.health()).toEqual([{ name: 'busy', ok: true }, FOUND]);
  });

  it('is gone when the process has stopped it', async () => {
    const thread = start('idle');
    await answering('idle', thread);
    await thread.stop();
    expect(await thread.health()).toMatchObject([{ name: 'idle', ok: false }]);
  });
});
