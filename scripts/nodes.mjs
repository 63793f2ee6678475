// `npm run test:nodes`: the unit suites on every version of Node that is supported, each brought by npm's package `node`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['20.20.2', '22.23.3', '24.21.0'];

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (line) => process.stdout.write(`${line}\n`);

const run = (program, parameters, options) => {
  const { status, error } = spawnSync(program, parameters, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (error !== undefined) process.stderr.write(`${error.message}\n`);
  return status === 0;
};

/** The folder of the binary; installed the first time. */
const folderOf = (version) => {
  const folder = join(root, '.tools', `node-${version}`);
  const bin = join(folder, 'node_modules', 'node', 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  say(`Installing Node ${version} …`);
  mkdirSync(folder, { recursive: true });
  // A package of its own: without it npm would install into the project around it. Its install script fetches the binary, also by npm.
  const allowScripts = { node: true };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts, dependencies: { node: version } }));
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  return existsSync(join(bin, 'node')) ? bin : null;
};

/** PATH as well, for what the suites start by name. */
const test = (bin) => {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
  return run(join(bin, 'node'), [join(root, 'scripts', 'jest.mjs'), '--selectProjects', 'unit'], { env });
};

const outcomes = VERSIONS.map((version) => {
  const bin = folderOf(version);
  say(`\nNode ${version}`);
  if (bin === null) return { version, outcome: 'could not be installed' };
  return { version, outcome: test(bin) ? 'passed' : 'failed' };
});
say(`\n${outcomes.map(({ version, outcome }) => `Node ${version}: ${outcome}`).join('\n')}`);
if (outcomes.some(({ outcome }) => outcome !== 'passed')) process.exitCode = 1;
