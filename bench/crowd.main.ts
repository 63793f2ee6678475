import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { checksOf, crowdReport } from './crowd.report.js';
import { soakCrowd, type Strength } from './crowd.soak.js';

const OPTIONS = {
  connections: { type: 'string', default: '1000' },
  events: { type: 'string', default: '50' },
  minutes: { type: 'string', default: '10' },
  'changes-per-second': { type: 'string', default: '10' },
  /** Of requests, in percent. */
  faults: { type: 'string', default: '5' },
  kills: { type: 'string', default: '5' },
  seed: { type: 'string', default: String(Date.now() % 100_000) },
} as const;

const asked = (): Strength => {
  const { values } = parseArgs({ options: OPTIONS });
  const number = (name: keyof typeof OPTIONS): number => {
    const value = Number(values[name]);
    if (values[name] === '' || !(value >= 0)) throw new Error(`--${name} takes a number.`);
    return value;
  };
  return {
    ...{ connections: number('connections'), events: number('events'), minutes: number('minutes') },
    ...{ changesPerSecond: number('changes-per-second'), faults: number('faults') / 100, kills: number('kills'), seed: number('seed') },
  };
};

const main = async (): Promise<void> => {
  const strength = asked();
  console.log(`Seed ${strength.seed}`);
  const found = await soakCrowd(strength, (line) => {
    console.log(line);
  });
  console.log(`\n${crowdReport(found)}\n\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}), Node ${process.versions.node}.`);
  if (!checksOf(found).every(({ ok }) => ok)) process.exitCode = 1;
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
