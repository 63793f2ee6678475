// Starts a real Apache Kafka on this machine, in one process of Java: for `npm run kafka` and for the tests.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { JARS } from './kafka.jars.mjs';

const settingsFile = (name) => fileURLToPath(new URL(`../kafka/${name}`, import.meta.url));

/** How long a start and an orderly end may take, in milliseconds. */
const START_LIMIT = 60_000;
const STOP_LIMIT = 20_000;
const STARTED = 'Kafka Server started';

/** The end of what a failed broker said: Java's traces are long, and their first lines say why. */
const reasonIn = (text) => {
  const lines = text.trimEnd().split('\n');
  return (
    lines
      .filter((line) => /ERROR|FATAL|Exception/.test(line))
      .slice(0, 3)
      .join('\n') || lines.slice(-5).join('\n')
  ).slice(0, 2_000);
};

const readIfThere = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Below those that the system lends to outgoing connections: one of them would soon be taken while the broker is down. */
const freePort = async () => {
  const port = randomInt(20_000, 32_768);
  return (await isFree(port)) ? port : freePort();
};

/** The ports of last time, so that what was told of the address stays true; 0 asks for any free one at first. */
const portsOf = async (folder, wanted) => {
  const file = join(folder, 'ports.json');
  const last = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const anyFree = wanted !== 0 && (await isFree(9092)) ? () => 9092 : freePort;
  const broker = (wanted || last.broker) ?? (await anyFree());
  const ports = { broker, controller: last.controller ?? (await freePort()) };
  writeFileSync(file, JSON.stringify(ports));
  return ports;
};

const propertiesFor = (folder, { broker, controller }, more) => {
  const own = {
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker}`,
    'log.dirs': join(folder, 'data'),
    ...more({ broker, controller }),
  };
  const lines = Object.entries(own).map(([name, value]) => `${name}=${value.replaceAll('\n', '\\n')}`);
  return [readFileSync(settingsFile('server.properties'), 'utf8').trimEnd(), ...lines, ''].join('\n');
};

const java = (heap, program, parameters) => [
  // Without the second compiler it starts in two thirds of the processor time.
  ...[`-Xmx${heap}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${settingsFile('log4j2.properties')}`],
  ...['-cp', join(JARS, '*'), program, ...parameters],
];

/** Makes the data folder, once; 22 letters are how Kafka writes the 16 bytes of a cluster's id. */
const format = (folder, properties, parameters) => {
  if (existsSync(join(folder, 'data', 'meta.properties'))) return;
  const id = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  const asked = java(256, 'kafka.tools.StorageTool', ['format', '-t', id, '-c', properties, ...parameters]);
  const { status, error, stdout, stderr } = spawnSync('java', asked, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Apache Kafka could not make its data folder: ${error?.message ?? reasonIn(`${stdout}${stderr}`)}`);
};

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Ends a process and waits until it is gone: in order at first, so that the next start need not recover. */
const end = async (pid, signals = ['SIGTERM', 'SIGKILL']) => {
  for (const signal of signals) {
    if (isAlive(pid)) process.kill(pid, signal);
    for (const began = performance.now(); isAlive(pid) && performance.now() - began < STOP_LIMIT;) await sleep(20);
  }
};

/** A broker that a killed `npm run kafka` left behind holds the folder. */
const endLeftOver = async (folder) => {
  const pid = Number(readIfThere(join(folder, 'kafka.pid')));
  if (!(pid > 0) || !isAlive(pid)) return;
  if (spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.includes(folder)) await end(pid);
};

const launch = async (folder, properties, heap) => {
  const logFile = join(folder, 'kafka.log');
  const output = openSync(logFile, 'w');
  // A session of its own, so that Ctrl-C reaches the program that started it, which then ends it in order.
  const child = spawn('java', java(heap, 'kafka.Kafka', [properties]), { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.unref();
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const began = performance.now();
  while (!readIfThere(logFile).includes(STARTED)) {
    if (over) throw new Error(`Apache Kafka ended at its start: ${reasonIn(readIfThere(logFile))}`);
    if (performance.now() - began > START_LIMIT) {
      child.kill('SIGKILL');
      throw new Error(`Apache Kafka did not start within ${START_LIMIT / 1_000} seconds: ${reasonIn(readIfThere(logFile))}`);
    }
    await sleep(50);
  }
  writeFileSync(join(folder, 'kafka.pid'), String(child.pid));
  return { pid: child.pid, ended };
};

/**
 * Starts Apache Kafka with its data in `folder`, on a port of 127.0.0.1 that stays the same over restarts. `port` asks for one, `heap` is in megabytes,
 * `more` gives further lines of server.properties, `formatting` further parameters of the first formatting.
 */
export const startKafka = async ({ folder, port, heap = 512, more = () => ({}), formatting = [] }) => {
  if (!existsSync(JARS)) throw new Error('Apache Kafka is not fetched yet: node scripts/setup.mjs kafka');
  mkdirSync(folder, { recursive: true });
  await endLeftOver(folder);
  const ports = await portsOf(folder, port);
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, propertiesFor(folder, ports, more));
  format(folder, properties, formatting);
  const { pid, ended } = await launch(folder, properties, heap);
  return { brokers: `127.0.0.1:${ports.broker}`, pid, ended, stop: () => end(pid), kill: () => end(pid, ['SIGKILL']) };
};

/** Takes away everything that a broker kept; its address stays. */
export const emptyKafka = (folder) => rmSync(join(folder, 'data'), { recursive: true, force: true });
