// `npm run check`: what needs no engine, two steps at a time; runs all of them also when one fails, and says at the end which did. Scripts that are named run
// with them: `npm test` builds beside the steps, none of which needs the build.
import { spawn } from 'node:child_process';

/** Those that take longest first. The import rules are among the unit tests (test/tooling/boundaries.spec.ts). */
const STEPS = ['test:unit', 'lint', 'knip', 'format:check'];
const LANES = 2;

const say = (line) => process.stdout.write(`${line}\n`);

/** Runs a script of package.json; its output is shown in one piece, because another step runs beside it. */
const run = async (name) => {
  const began = performance.now();
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      printed += part;
    });
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      printed += error.message;
      resolve(1);
    });
    child.once('close', resolve);
  });
  const passed = code === 0;
  say(`${passed ? '✓' : '✗'} ${name} (${((performance.now() - began) / 1_000).toFixed(1)} s)`);
  if (printed.trim() !== '') say(printed.trimEnd());
  return passed;
};

const waiting = [...process.argv.slice(2), ...STEPS];
const failed = [];
const lane = async () => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) if (!(await run(name))) failed.push(name);
};
await Promise.all(Array.from({ length: LANES }, lane));
if (failed.length > 0) {
  process.stderr.write(`Failed: ${failed.join(', ')}. Each runs alone by npm run NAME.\n`);
  process.exitCode = 1;
}
