import { type AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { AppModule } from '../../src/app/app.module.js';
import { observedProviders } from '../../src/app/observed.js';
import { operatorMistakes } from '../../src/app/operator-mistakes.js';
import { PROJECTIONS } from '../../src/app/projections.js';
import { type Runtime } from '../../src/app/runtime.js';
import { unstarted } from '../../src/infra/postgres/projection.runner.js';
import { readConfig } from '../../src/config/service.config.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { systemEntropy } from '../../src/infra/system.entropy.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Providers } from '../../src/provider/calendar-provider.js';
import { openStores, SILENT, type Stores } from './store.js';

/** The API and the read models in this process, over real engines and the calendar services a suite gives it. */
export type Api = Readonly<{
  url: string;
  stores: Stores;
  token: (userId: string) => Promise<string>;
  /** What `/metrics` would say now; it repeats itself for a second. */
  metrics: () => Promise<string>;
  stop: () => Promise<void>;
}>;

export const startApi = async (providers: Providers, settings: Readonly<Record<string, string>> = {}): Promise<Api> => {
  const stores = await openStores();
  const { store, operations, database } = stores;
  const [metrics, masterKey, aborting] = [prometheusMetrics(), randomBytes(32), new AbortController()];
  const runtime: Runtime = {
    ...{ store, operations, database, metrics, masterKey, log: SILENT, clock: systemClock, entropy: systemEntropy },
    ...{
      vault: vault(database, masterKey),
      providers: observedProviders(providers, metrics),
      mistakes: operatorMistakes(providers, SILENT),
    },
    ...{ pollWithin: 120_000, version: '0.0.0', mostListed: 100_000, kafka: null, webhookOf: () => null, close: () => Promise.resolve() },
  };
  const projecting = PROJECTIONS.map((projection) => projection.run(runtime, unstarted(projection.name), aborting.signal));
  const config = readConfig({ RATE_LIMIT: '0', RATE_LIMIT_ANONYMOUS: '0', ...settings });
  const app = await createApp(AppModule.with({ config, runtime, health: healthRegistry(), metrics }), config, SILENT);
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  return {
    url,
    stores,
    metrics: metrics.page,
    token: async (userId) => {
      const body = JSON.stringify({ userId });
      const answer = await fetch(`${url}/v1/dev/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return ((await answer.json()) as { token: string }).token;
    },
    stop: async () => {
      await app.close();
      aborting.abort();
      await Promise.all(projecting);
      await stores.stop();
    },
  };
};
