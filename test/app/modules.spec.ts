import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { type DynamicModule } from '@nestjs/common';
import { AppModule } from '../../src/app/app.module.js';
import { PortsModule } from '../../src/app/ports.module.js';
import { type Runtime } from '../../src/app/runtime.js';
import { readConfig } from '../../src/config/service.config.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { systemEntropy } from '../../src/infra/system.entropy.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const masterKey = Buffer.alloc(32, 7);

/** Modules are put together without an engine: nothing is asked of what has no value here. */
const processWith = (ROLE: string): DynamicModule => {
  const engines = { DATABASE_URL: 'postgres://localhost/juy', EVENTSTORE_URL: 'esdb://localhost:2113' };
  const opened: Partial<Runtime> = { clock: systemClock, entropy: systemEntropy, masterKey };
  const parts = { health: healthRegistry(), metrics: prometheusMetrics(), runtime: opened as Runtime };
  return AppModule.with({ config: readConfig({ ...engines, ROLE }), ...parts });
};

/** Names of the modules of a process, each with those it is given. */
const modulesOf = (root: DynamicModule): ReadonlyMap<string, DynamicModule> => {
  const found = new Map<string, DynamicModule>();
  const walk = (each: DynamicModule): void => {
    found.set(each.module.name, each);
    for (const given of each.imports ?? []) walk(given as DynamicModule);
  };
  for (const each of root.imports ?? []) walk(each as DynamicModule);
  return found;
};

/** Every module of a slice, by the files. */
const slices = readdirSync(SRC, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['app', 'infra'].includes(entry.name))
  .flatMap(({ name }) =>
    readdirSync(join(SRC, name))
      .filter((file) => file.endsWith('.module.ts'))
      .map((file) => join(SRC, name, file)),
  );
const classOf = (file: string): string => /export class (\w+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? file;

describe('A process', () => {
  it('with the role api serves every slice', () => {
    const names = [...modulesOf(processWith('api')).keys()];
    expect(slices.length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining(slices.map(classOf)));
  });

  it.each(['projector', 'sync', 'projector,sync'])('with the roles %s serves health and metrics alone', (roles) => {
    expect([...modulesOf(processWith(roles)).keys()]).toEqual(['HttpModule']);
  });

  it('gives the slices ports, and the master key to none of them', () => {
    const given = modulesOf(processWith('api'));
    const ports = given.get(PortsModule.name)?.providers as readonly { useValue: unknown }[];
    expect(ports.length).toBeGreaterThan(0);
    const reachable = JSON.stringify(ports.map(({ useValue }) => useValue));
    expect(reachable).not.toContain('masterKey');
    expect(ports.map(({ useValue }) => useValue)).not.toContain(masterKey);
  });

  it('opens the ports once, however many slices use them', () => {
    const imported = (processWith('api').imports ?? []).flatMap((each) => (each as DynamicModule).imports ?? []);
    const ports = imported.filter((each) => (each as DynamicModule).module === PortsModule);
    expect([ports.length > 1, new Set(ports).size]).toEqual([true, 1]);
  });
});
