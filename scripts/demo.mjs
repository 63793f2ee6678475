// `npm run demo`: the main job from one end to the other on this machine, in a throw-away folder, without an account or a browser.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sandboxOf, serviceAt, Told, toldOnFailure, until } from './service.client.mjs';
import { comingWeek, weekTable } from './week.table.mjs';

const PROGRAM = fileURLToPath(new URL('../dist/programs/main.js', import.meta.url));
const STOP_LIMIT = 20_000;
const [WORK, SCHOOL, HOME] = ['mia@work.example', 'mia@school.example', 'mia@home.example'];

const say = (line) => process.stdout.write(`${line}\n`);
const colors = process.stdout.isTTY === true;
const faint = (text) => (colors ? `\u001b[2m${text}\u001b[0m` : text);

/** Runs a step and prints what came of it, with how long it took. */
const step = async (work) => {
  const began = performance.now();
  const { said, ...rest } = await work();
  say(`✓ ${said} ${faint(`(${((performance.now() - began) / 1_000).toFixed(1)} s)`)}`);
  return rest;
};

const check = (holds, otherwise) => {
  if (!holds) throw new Told(otherwise);
};

/** Only what the demo sets: an engine, an account or a key that the terminal has in its environment is none of its business. */
const environment = (dataDir) => {
  const inherited = ['PATH', 'HOME', 'TZ', 'LANG', 'TMPDIR', 'SystemRoot'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  const own = { DATA_DIR: dataDir, PORT: '0', PROVIDERS: 'sandbox', LOG_LEVEL: 'error', MANUAL_SYNC_SECONDS: '0' };
  return { ...Object.fromEntries(inherited), ...own };
};

/** The service in a process group of its own, so that Ctrl-C reaches the demo alone, which then stops it in order. */
const launch = (dataDir) => {
  const child = spawn(process.execPath, [PROGRAM], { env: environment(dataDir), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      printed += part;
    });
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return {
    address: () =>
      until('The start of the service', () => {
        check(!isOver(), `The service ended at its start:\n${printed.slice(-2_000)}`);
        return /Ready at (\S+)/.exec(printed)?.[1] ?? null;
      }),
    stop: async () => {
      if (!isOver()) child.kill('SIGTERM');
      await Promise.race([ended, sleep(STOP_LIMIT, undefined, { ref: false })]);
      if (!isOver()) child.kill('SIGKILL');
    },
  };
};

/** The database server outlives a service that had to be killed. */
const endLeftOver = async (dataDir) => {
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  process.kill(Number.parseInt(readFileSync(pidFile, 'utf8'), 10), 'SIGINT');
  for (let waited = 0; existsSync(pidFile) && waited < STOP_LIMIT; waited += 50) await sleep(50);
};

const tidyUp = async (service, dataDir) => {
  await service.stop();
  await endLeftOver(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
};

const connect = (username, connecting) =>
  step(async () => {
    const { connectionId, provider, calendars } = await connecting(username);
    return {
      connectionId,
      said: `connected ${username} (${provider}): ${calendars
        .map(({ name }) => name)
        .sort()
        .join(', ')}`,
    };
  });

const showWeek = async (me, week) => {
  await step(async () => {
    await me.settled();
    const { items } = await me.events(new Date(week.start.getTime() - 20 * 86_400_000), new Date(week.start.getTime() + 80 * 86_400_000));
    return { said: `read everything: ${items.length} events in a hundred days` };
  });
  const began = performance.now();
  const events = await me.events(week.start, week.end);
  const milliseconds = Math.round(performance.now() - began);
  say(`\n${weekTable(events, await me.calendars(), week, colors)}${faint(`Answered in ${milliseconds} ms.`)}\n`);
  const twice = events.items.filter(({ title }) => title === 'Choir concert');
  check(twice.length === 1 && twice[0].copies.length === 1, 'The concert that is in two calendars is not shown once.');
};

const dentistIn = async (me, week) => (await me.events(week.start, week.end)).items.find(({ title }) => title === 'Dentist');

const later = (ics) =>
  ics.replace(/^(DT(?:START|END)\S*:\d{8}T)(\d\d)/gm, (_, before, hour) => before + String(Number(hour) + 2).padStart(2, '0'));

const showChange = (me, sandbox, week) =>
  step(async () => {
    const before = await dentistIn(me, week);
    await sandbox.change(sandbox.account(HOME), 'private/dentist.ics', later);
    await me.sync();
    const after = await dentistIn(me, week);
    const hours = (Date.parse(after?.start) - Date.parse(before?.start)) / 3_600_000;
    check(hours === 2, 'The change at the calendar server did not arrive.');
    return { said: 'moved “Dentist” by two hours at the calendar server, asked for a sync, saw it here' };
  });

const showFailure = async (me, sandbox, week) => {
  const family = (await me.calendars()).find(({ name }) => name === 'Family');
  const ofFamily = async () => {
    const { items, freshness } = await me.events(week.start, week.end);
    const { state, reason } = freshness.find(({ calendarId }) => calendarId === family.calendarId);
    const shown = items.filter(({ calendarId, copies }) =>
      [calendarId, ...copies.map((copy) => copy.calendarId)].includes(family.calendarId),
    );
    return { state, reason, count: shown.length };
  };
  const good = await ofFamily();
  await step(async () => {
    await sandbox.switchOn({ fault: 'password-refused', account: HOME, calendar: 'family' });
    await me.sync({ calendarId: family.calendarId });
    const failing = await ofFamily();
    check(failing.state === 'failing' && failing.reason !== null, `A calendar that cannot be read is shown as ${failing.state}.`);
    check(failing.count === good.count && good.count > 0, 'A calendar that cannot be read lost its events.');
    return { said: `the server refused a calendar: “${family.name}” is failing, its ${good.count} events of the week are still shown` };
  });
  say(`  ${faint(`“${(await ofFamily()).reason}”`)}`);
  await step(async () => {
    await sandbox.switchOff();
    await me.sync({ calendarId: family.calendarId });
    const mended = await ofFamily();
    check(mended.state === 'fresh', `A calendar that can be read again is shown as ${mended.state}.`);
    return { said: 'the server is well again: so is the calendar' };
  });
};

const showRevoke = (me, connectionId, week) =>
  step(async () => {
    const own = (await me.calendars()).filter((calendar) => calendar.connectionId === connectionId).map(({ calendarId }) => calendarId);
    await me.request('DELETE', `/v1/calendar/connections/${connectionId}`);
    await until('The end of the revoked data', async () => {
      const { items } = await me.events(week.start, week.end);
      return items.some(({ calendarId }) => own.includes(calendarId)) ? null : true;
    });
    return { said: `revoked ${HOME}: nothing of it is left, the other accounts go on` };
  });

const demonstrate = async (service, dataDir) => {
  const { me, sandbox } = await step(async () => {
    const address = await service.address();
    const parts = { me: await serviceAt(address, 'mia'), sandbox: await sandboxOf(dataDir) };
    return { ...parts, said: 'started PostgreSQL, the event store, the sandbox and the service' };
  });
  const week = comingWeek();
  await connect(WORK, (username) => me.connectAt('google', username));
  await connect(SCHOOL, (username) => me.connectAt('microsoft', username));
  const { connectionId } = await connect(HOME, (username) => me.connect(sandbox.url, sandbox.account(username)));
  await showWeek(me, week);
  await showChange(me, sandbox, week);
  await showFailure(me, sandbox, week);
  await showRevoke(me, connectionId, week);
};

await toldOnFailure(async () => {
  const began = performance.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'juy-demo-'));
  const service = launch(dataDir);
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Told(`Stopped by ${signal}.`)));
  });
  try {
    await Promise.race([demonstrate(service, dataDir), interrupted]);
  } finally {
    await tidyUp(service, dataDir);
  }
  say(`Done in ${((performance.now() - began) / 1_000).toFixed(1)} s; nothing is left behind. Try it yourself: npm start`);
});
// A demonstration that was interrupted may still be waiting for something.
process.exit();
