import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

type Violation = Readonly<{ from: string; rule: { name: string } }>;
const run = (folder: string, format: string, part = 'src') => {
  const parameters = [program, part, '--config', '.dependency-cruiser.cjs', '--output-type', format];
  return spawnSync(process.execPath, parameters, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
};

const cruise = (folder: string): Readonly<{ cruised: number; violations: readonly Violation[] }> => {
  const { summary } = JSON.parse(run(folder, 'json').stdout) as { summary: { totalCruised: number; violations: Violation[] } };
  return { cruised: summary.totalCruised, violations: summary.violations };
};

/** One bad import each: the rule that must see it, the file it is in, what is imported from where. */
const bad: readonly (readonly [rule: string, file: string, name: string, from: string])[] = [
  ['dotless-is-pure', 'src/calendar/planted-npm.ts', 'z', 'zod'],
  ['dotless-is-pure', 'src/calendar/planted-node.ts', 'readFileSync', 'node:fs'],
  ['dotless-is-pure', 'src/calendar/planted-type.ts', 'type Pool', 'pg'],
  ['dotless-is-pure', 'src/calendar/planted-driver.ts', 'systemClock', '../infra/system.clock.js'],
  ['kernel-stands-alone', 'src/kernel/planted.ts', 'type CalendarObject', '../calendar/calendar-object.js'],
  ['meet-only-in-pure-files', 'src/connection/planted.worker.ts', 'systemClock', '../infra/system.clock.js'],
  ['meet-only-in-pure-files', 'src/connection/planted.wiring.ts', 'type Runtime', '../app/runtime.js'],
  ['dotless-is-pure', 'src/calendar/planted-wiring.ts', 'type Runtime', '../app/runtime.js'],
  ['meet-only-in-pure-files', 'src/infra/planted.settings.ts', 'type Config', '../config/service.config.js'],
  ['embedded-is-loaded-by-app-only', 'src/infra/planted.start.ts', 'selfSigned', '../embedded/eventstore/certificate.der.js'],
  ['adapters-do-not-know-each-other', 'src/provider/caldav/planted.mapping.ts', 'x', '../planted/other.mapping.js'],
  ['event-store-client-at-home', 'src/connection/planted.store.ts', 'EventStoreDBClient', '@eventstore/db-client'],
  ['sql-at-home', 'src/connection/planted.query.ts', 'Pool', 'pg'],
  ['kafka-at-home', 'src/embedded/planted.kafka.ts', 'Kafka', 'kafkajs'],
  ['xml-at-home', 'src/connection/planted.caldav.ts', 'parser', 'saxes'],
  ['no-unresolved', 'src/connection/planted.nowhere.ts', 'x', './nowhere.js'],
  ['src-knows-no-test', 'src/connection/planted.test-double.ts', 'x', '../../test/planted.js'],
  ['no-cycle', 'src/calendar/planted-a.ts', 'x', './planted-b.js'],
];

/** What some of them import. */
const innocent = ['src/provider/planted/other.mapping.ts', 'test/planted.ts'];

let copy: string;
let planted: ReturnType<typeof cruise>;

beforeAll(() => {
  copy = realpathSync(mkdtempSync(join(tmpdir(), 'boundaries-')));
  for (const name of ['src', '.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const file of innocent) cpSync(join(root, 'src/kernel/clock.ts'), join(copy, file), { recursive: true });
  for (const [, file, name, from] of bad) {
    writeFileSync(join(copy, file), `import { ${name} } from '${from}';\nexport { ${name} };\n`);
  }
  writeFileSync(join(copy, 'src/calendar/planted-b.ts'), `export { x } from './planted-a.js';\n`);
  planted = cruise(copy);
});

afterAll(() => {
  rmSync(copy, { recursive: true });
});

describe('The boundaries between the parts', () => {
  it('hold, and are looked for in every source file', () => {
    const own = planted.violations.filter(({ from }) => !from.includes('/planted'));
    expect(own.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
    // With a compiler it cannot use, dependency-cruiser finds no module and is content.
    expect(planted.cruised).toBeGreaterThan(50);
  });

  it('fail the check once they are crossed', () => {
    expect(run(copy, 'err', 'src/kernel').status).not.toBe(0);
    expect(run(root, 'err', 'src/kernel').status).toBe(0);
  });

  it.each(bad)('are watched by %s in %s, which imports { %s } from %s', (rule, file) => {
    expect(planted.violations.filter(({ from }) => from === file).map((violation) => violation.rule.name)).toContain(rule);
  });
});
