// Makes a fresh clone ready: `node scripts/setup.mjs start|check|test|kafka`. Runs before anything is installed, so it needs nothing but Node; when there is
// nothing to do it costs a fifth of a second.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchJars, JARS_STAMP } from './kafka.jars.mjs';

/** What the tests need besides npm packages: an independent CalDAV server, a browser, what runs and fetches Apache Kafka, and an independent client of it. */
const DEBIAN_PACKAGES = ['radicale', 'python3-tz', 'chromium', 'default-jre-headless', 'maven', 'kcat'];
const KAFKA_PROGRAMS = { java: ['-version'], mvn: ['--version'] };
const PYTHON_MODULES = ['radicale', 'pytz'];

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...names) => join(root, ...names);
const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);
const say = (line) => process.stdout.write(`${line}\n`);

class Failed extends Error {}

const checkNode = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!fits)
    throw new Failed(`This needs Node 20.19 or later (of 22: 22.12), and this is ${process.versions.node}. See https://nodejs.org.`);
};

const hashOf = (files) => {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}`);
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(at(file)));
  return hash.digest('hex');
};

const filesUnder = (folder) =>
  readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
    .sort();

/** Runs a program; on failure shows the end of what it printed, and what to do. */
const run = async (program, parameters, { env = process.env, advice }) => {
  try {
    await promisify(execFile)(program, parameters, { cwd: root, env, maxBuffer: 1 << 28 });
  } catch ({ stdout, stderr, message }) {
    const printed = `${stdout ?? ''}${stderr ?? ''}`.trimEnd() || message;
    const tail = printed.split('\n').slice(-30).join('\n');
    throw new Failed(`${tail}\n\n${[basename(program), ...parameters].join(' ')} failed. ${advice}`);
  }
};

// What `npm start` or a CI puts into the environment must not leave out the compiler or the install scripts; registry and proxy settings stay.
const DISTURBING =
  /^(node_env|npm_config_(omit|only|include|production|dev|global|location|prefix|local_prefix|dry_run|ignore_scripts|workspaces?|package_lock))$/i;
const undisturbed = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !DISTURBING.test(name)));

/** Whether somebody's own `npm ci` left what the lock asks for. */
const isInstalled = () => {
  const installed = read(at('node_modules', '.package-lock.json'));
  if (installed === null) return false;
  const wanted = Object.entries(JSON.parse(read(at('package-lock.json'))).packages).filter(
    ([path, { optional }]) => path !== '' && !optional,
  );
  const { packages } = JSON.parse(installed);
  return wanted.every(([path, { version }]) => packages[path]?.version === version);
};

const install = {
  stamp: at('node_modules', '.setup-hash'),
  hash: () => hashOf(['package-lock.json']),
  make: async () => {
    if (isInstalled()) return;
    say('Installing npm packages; this takes about a minute …');
    const npm = basename(process.env.npm_execpath ?? '') === 'npm-cli.js' ? [process.execPath, process.env.npm_execpath] : ['npm'];
    const parameters = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const advice = 'Check the connection to the npm registry and the space on the disk, and repeat.';
    await run(npm[0], [...npm.slice(1), ...parameters], { env: undisturbed(), advice });
  },
};

const build = {
  stamp: at('dist', '.setup-hash'),
  hash: () =>
    hashOf([...filesUnder('src'), 'scripts/bundle.mjs', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package-lock.json']),
  make: async () => {
    say('Building …');
    // What a deleted source left behind must not be found by a later one.
    rmSync(at('dist'), { recursive: true, force: true });
    const nest = at('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
    await run(process.execPath, [nest, 'build'], { advice: 'The errors above are in src/.' });
    await run(process.execPath, [at('scripts', 'bundle.mjs')], { advice: 'The errors above are in src/, or in a package that it uses.' });
  },
};

const works = (program, parameters) => spawnSync(program, parameters).status === 0;

const kafka = {
  stamp: JARS_STAMP,
  hash: () => hashOf(['kafka/pom.xml']),
  make: async () => {
    const missing = Object.entries(KAFKA_PROGRAMS).filter(([program, parameters]) => !works(program, parameters));
    if (missing.length > 0)
      throw new Failed(
        `Apache Kafka needs Java 17 or later and Maven, and ${missing.map(([program]) => program).join(' and ')} cannot be run here: sudo apt-get install default-jre-headless maven`,
      );
    say('Fetching Apache Kafka …');
    const advice = "Check the connection to Maven's repository and the space on the disk, and repeat.";
    await fetchJars((program, parameters) => run(program, parameters, { advice }));
  },
};

const isDone = ({ stamp, hash }) => read(stamp) === hash();

const ensure = async (step) => {
  if (isDone(step)) return;
  const hash = step.hash();
  await step.make();
  writeFileSync(step.stamp, hash);
};

const hasDebianPackages = () => {
  const { status, error, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}\n', ...DEBIAN_PACKAGES], {
    encoding: 'utf8',
  });
  if (error === undefined && status === 0)
    return stdout
      .trimEnd()
      .split('\n')
      .every((line) => line.startsWith('ii'));
  // Installed some other way, or on another system.
  const hasModules = spawnSync('python3', ['-c', `import ${PYTHON_MODULES.join(', ')}`]).status === 0;
  const hasPrograms = Object.entries({ ...KAFKA_PROGRAMS, kcat: ['-V'] }).every(([program, parameters]) => works(program, parameters));
  return hasModules && hasPrograms && existsSync(process.env.CHROMIUM ?? '/usr/bin/chromium');
};

const aptInstall = async () => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const advice = `Install them by hand: apt-get install ${DEBIAN_PACKAGES.join(' ')}`;
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-q', '-y'];
  await run('apt-get', [...wait, 'update'], { env, advice });
  await run('apt-get', [...wait, 'install', '--no-install-recommends', ...DEBIAN_PACKAGES], { env, advice });
};

const ensureDebianPackages = async () => {
  if (hasDebianPackages()) return;
  if (process.getuid?.() !== 0)
    throw new Failed(`The tests need ${DEBIAN_PACKAGES.join(', ')}: sudo apt-get install ${DEBIAN_PACKAGES.join(' ')}`);
  say(`Installing ${DEBIAN_PACKAGES.join(', ')} …`);
  try {
    await aptInstall();
  } catch {
    // A mirror in the middle of an update answers again a moment later.
    await aptInstall();
  }
};

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Two at once would install into each other's node_modules; the second waits, and finds everything done. */
const alone = async (work) => {
  const lock = join(tmpdir(), `setup-${createHash('sha256').update(`${process.getuid?.()} ${root}`).digest('hex').slice(0, 16)}.lock`);
  for (;;) {
    try {
      const handle = openSync(lock, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(read(lock));
      const isFresh = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5_000;
      if (holder > 0 ? !isAlive(holder) : !isFresh) rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
};

const debian = { isDone: hasDebianPackages, ensure: ensureDebianPackages };
const stepOf = (step) => ({ isDone: () => isDone(step), ensure: () => ensure(step) });
const program = [install, build].map(stepOf);
const broker = [stepOf(kafka)];
const engines = [debian, ...broker];

/**
 * What each purpose needs, in lanes that need nothing of each other; a broker alone needs no npm package, and checks need no build. Maven and Java are among
 * Debian's.
 */
const LANES = { start: [program], check: [[stepOf(install)], engines], test: [program, engines], kafka: [broker] };

const main = async (purpose) => {
  const lanes = LANES[purpose];
  if (lanes === undefined) throw new Failed(`Usage: node scripts/setup.mjs ${Object.keys(LANES).join('|')}`);
  checkNode();
  if (lanes.flat().every((step) => step.isDone())) return;
  await alone(async () => {
    const ends = await Promise.allSettled(
      lanes.map(async (steps) => {
        for (const step of steps) await step.ensure();
      }),
    );
    const reasons = ends.flatMap(({ reason }) => reason ?? []);
    const unforeseen = reasons.find((reason) => !(reason instanceof Failed));
    if (unforeseen !== undefined) throw unforeseen;
    if (reasons.length > 0) throw new Failed(reasons.map(({ message }) => message).join('\n\n'));
  });
};

try {
  await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
