// `node docker/check.mjs`: takes the steps of docker/Dockerfile without Docker, each stage in a folder of its own, starts what they make as its user
// would, with the settings of production, and waits until it is healthy and has stopped as it should. Engines are those of this repository's `dist`.
// It says nothing about the base images, and nothing about another Node than the one it is run with.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_WITHIN = 120_000;

const say = (line) => process.stdout.write(`${line}\n`);

/** The instructions of the file, each with its words: `[['FROM', 'node:24-bookworm-slim', 'AS', 'build'], …]`. */
const instructions = readFileSync(join(root, 'docker', 'Dockerfile'), 'utf8')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(/\s+/));

/** What the build is given: .dockerignore takes everything out and names what stays. */
const allowed = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));
const isGiven = (path) => allowed.some((each) => path === each || path.startsWith(`${each}/`));

/** Variables of this process that would change what npm installs. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(node_env|npm_config_(omit|include|ignore_scripts))$/i.test(name)),
);

const copy = (stage, words, stages) => {
  const from = words[0].startsWith('--from=') ? stages.get(words.shift().slice('--from='.length)) : null;
  const target = words.pop();
  for (const source of words) {
    if (from === undefined || (from === null && !isGiven(source)))
      throw new Error(`COPY ${source}: not there, or left out by .dockerignore`);
    const path = from === null ? join(root, source) : join(from.folder, source.replace(`${from.workdir}/`, ''));
    const isInto = target.endsWith('/') || statSync(path).isFile();
    const into = isInto && target !== basename(source) ? join(stage.folder, target, basename(source)) : join(stage.folder, target);
    mkdirSync(dirname(into), { recursive: true });
    cpSync(path, into, { recursive: true, verbatimSymlinks: true });
  }
};

const run = (stage, words) => {
  say(`  RUN ${words.join(' ')}`);
  const { status } = spawnSync('sh', ['-c', words.join(' ')], {
    cwd: stage.folder,
    env: { ...inherited, ...stage.env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`RUN ${words.join(' ')} ended with ${status}`);
};

/** Runs all stages below a folder and answers the last one. */
const replay = (folder) => {
  const stages = new Map();
  let stage = null;
  for (const [instruction, ...words] of instructions) {
    if (instruction === 'FROM') {
      stage = { folder: join(folder, words[2] ?? 'image'), workdir: '/', env: {}, user: 'root', command: [], health: [] };
      stages.set(words[2] ?? 'image', stage);
      mkdirSync(stage.folder, { recursive: true });
      say(`FROM ${words.join(' ')}`);
    } else if (instruction === 'WORKDIR') [stage.workdir] = words;
    else if (instruction === 'ENV') Object.assign(stage.env, Object.fromEntries(words.map((word) => word.split('='))));
    else if (instruction === 'COPY') copy(stage, words, stages);
    else if (instruction === 'RUN') run(stage, words);
    else if (instruction === 'USER') [stage.user] = words;
    else if (instruction === 'CMD') stage.command = JSON.parse(words.join(' '));
    else if (instruction === 'HEALTHCHECK') stage.health = JSON.parse(words.join(' ').replace(/^.*?CMD /, ''));
    else if (instruction !== 'EXPOSE') throw new Error(`${instruction} is not known here`);
  }
  return stage;
};

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** `npm run eventstore`, and the addresses that it leaves in its folder. */
const startEngines = async (dataDir) => {
  mkdirSync(dataDir);
  const program = join(root, 'dist', 'tools', 'eventstore.tool.js');
  const child = spawn(process.execPath, [program], { env: { ...process.env, DATA_DIR: dataDir }, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the engines did not start')));
    child.stdout.on('data', (part) => {
      if (part.toString().includes('Ctrl-C')) resolve();
    });
  });
  const file = readFileSync(join(dataDir, 'engines.env'), 'utf8');
  const address = (name) => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(file)[1];
  // The service is somebody else, who reads nothing there but the certificate.
  chmodSync(dataDir, 0o711);
  chmodSync(join(dataDir, 'eventstore.crt'), 0o644);
  return { child, addresses: { DATABASE_URL: address('DATABASE_URL'), EVENTSTORE_URL: address('EVENTSTORE_URL') } };
};

const ended = (child) =>
  (child.exitCode ?? child.signalCode) !== null ? Promise.resolve(child.exitCode) : new Promise((resolve) => child.once('exit', resolve));

/** Only root can start a program as somebody else; anybody else is no root already. */
const asUser = (user) => {
  const [uid, gid] = user.split(':').map(Number);
  if (!(uid > 0 && gid > 0)) throw new Error(`USER must be a number, and not that of root, so that a host can tell: ${user}`);
  return process.getuid() === 0 ? { uid, gid } : {};
};

const settings = (addresses, port) => ({
  ...addresses,
  PORT: String(port),
  HOST: '127.0.0.1',
  MASTER_KEY: randomBytes(32).toString('base64'),
  AUTH_JWKS_URL: 'https://login.example.com/keys',
  AUTH_ISSUER: 'https://login.example.com',
  AUTH_AUDIENCE: 'calendar',
  TRUST_PROXY: 'loopback',
});

/** Starts the image's command as its user with nothing but its environment, and holds it against its own health check. */
const tryOut = async (image, addresses) => {
  const [program, ...parameters] = image.command;
  if (program !== 'node') throw new Error('CMD must start node');
  const user = asUser(image.user);
  const port = await freePort();
  const env = { PATH: process.env.PATH, ...image.env, ...settings(addresses, port) };
  const child = spawn(process.execPath, parameters, { cwd: image.folder, env, stdio: ['ignore', 'pipe', 'pipe'], ...user });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (printed += part));
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null))?.status === 200;
  const until = performance.now() + READY_WITHIN;
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`it was not ready:\n${printed.slice(-3_000)}`);
    }
    await sleep(200);
  }
  const health = () => spawnSync(process.execPath, image.health.slice(1), { cwd: image.folder, env, ...user }).status;
  const whileAlive = health();
  child.kill('SIGTERM');
  const code = await ended(child);
  const afterwards = health();
  if (whileAlive !== 0 || afterwards === 0)
    throw new Error(`the health check said ${whileAlive} while it was alive, and ${afterwards} afterwards`);
  if (code !== 0) throw new Error(`it ended with ${code} after SIGTERM:\n${printed.slice(-3_000)}`);
};

const sizeOf = (folder) => Number(spawnSync('du', ['-sm', folder], { encoding: 'utf8' }).stdout.split('\t')[0]);

const folder = mkdtempSync(join(tmpdir(), 'juy-image-'));
chmodSync(folder, 0o755);
let engines = null;
try {
  if (!existsSync(join(root, 'dist', 'tools'))) throw new Error('the engines are those of dist: npm run build');
  const image = replay(folder);
  engines = await startEngines(join(folder, 'engines'));
  await tryOut(image, engines.addresses);
  say(
    `It started as user ${image.user} with the settings of production, was healthy and stopped; ${sizeOf(image.folder)} MB beside Node ${process.versions.node}.`,
  );
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  engines?.child.kill('SIGTERM');
  if (engines !== null) await ended(engines.child);
  rmSync(folder, { recursive: true, force: true });
}
