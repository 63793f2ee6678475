// Runs Jest with the same time zone everywhere, and not without end.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
/** A run that never ends says less than one that fails: its output is there, and the next is not kept waiting. */
const LONGEST = 40 * 60_000;
/** Of young objects, in megabytes, in workers as well: suites make and drop much, and a larger room is cleared less often. */
const ROOM = 64;
const { status, signal } = spawnSync(process.execPath, [`--max-semi-space-size=${String(ROOM)}`, jest, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TZ: 'UTC' },
  timeout: LONGEST,
  killSignal: 'SIGKILL',
});
if (signal !== null)
  process.stderr.write(`The tests were ended by ${signal}; at the latest that happens after ${String(LONGEST / 60_000)} minutes.\n`);
process.exit(status ?? 1);
