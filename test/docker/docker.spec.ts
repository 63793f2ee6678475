import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/service.config.js';
import { ROLES, variables } from '../../src/config/variables.config.js';
import { dockerFile, watchedExpressions } from '../support/docker-files.js';
import { metricsIn } from '../support/promql.js';

type Service = Readonly<{
  image: string;
  environment?: Readonly<Record<string, string>>;
  volumes?: readonly string[];
  command?: readonly string[];
}>;

const { services } = dockerFile('compose.yaml') as Readonly<{ services: Readonly<Record<string, Service>> }>;
const ours = Object.entries(services).filter(([, { image }]) => image === 'smart-calendar');

describe('The composed service', () => {
  it('plays every role', () => {
    expect(ours.flatMap(([, { environment }]) => environment?.['ROLE'] ?? []).sort()).toEqual([...ROLES].sort());
  });

  it.each(ours)('gives %s settings that it accepts, and none that it does not know', (_, { environment = {} }) => {
    expect(Object.keys(environment).filter((name) => !(name in variables))).toEqual([]);
    const given = { ...environment, MASTER_KEY: Buffer.alloc(32, 1).toString('base64') };
    expect(readConfig(given)).toMatchObject({ production: false, kafka: { brokers: ['kafka:9092'] } });
  });

  it('mounts files that are there', () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter((volume) => volume.startsWith('./')));
    const missing = mounted.filter(
      (volume) => !existsSync(fileURLToPath(new URL(`../../docker/${volume.split(':')[0] ?? ''}`, import.meta.url))),
    );
    expect([mounted.length > 0, missing]).toEqual([true, []]);
  });
});

describe('Metrics in an expression', () => {
  it('are found among functions, labels and words', () => {
    const expression =
      'histogram_quantile(0.95, sum by (le, lane) (rate(work_seconds_bucket{queue="a_b"}[5m]))) > 60 or max(queue_due) == 0';
    expect(metricsIn(expression)).toEqual(['work_seconds', 'queue_due']);
  });

  it('are read by every panel and every alert', () => {
    expect(watchedExpressions().filter(([, expression]) => metricsIn(expression).length === 0)).toEqual([]);
  });
});
