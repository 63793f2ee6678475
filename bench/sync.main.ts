import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { atConsent } from '../test/support/linked-service.js';
import { type Client, type Service } from '../test/support/service.js';
import { type GoogleAccount, startGoogleAccount } from './account.google.js';
import { type BenchAccount, startAccount } from './account.radicale.js';
import { measureBaseline, measureGoogleBaseline } from './baseline.js';
import { measureSync } from './first-sync.measure.js';
import { watchMemory } from './memory.proc.js';
import { measureUnchanged, startTwice } from './ours.service.js';
import { type Figures, type GoogleFigures, report } from './report.js';
import { measureVdirsyncer } from './vdirsyncer.process.js';

const say = (line: string): void => {
  console.log(line);
};

type Started = Readonly<{ service: Service; cold: number; second: number }>;
type Accounts = Readonly<{ caldav: BenchAccount; google: GoogleAccount }>;
type Outcome = Readonly<{ figures: Omit<Figures, 'peaks'>; google: GoogleFigures; wrong: readonly string[] }>;

/** Ways to hear of a change: being asked for a sync, and being told. */
const asked = (client: Client) => () => client.request('POST', '/v1/calendar/sync', {});
const told = () => Promise.resolve();

const measureCalDAV = async (account: BenchAccount, { service, ...started }: Started, events: number) => {
  say('CalDAV: bare client …');
  const baseline = await measureBaseline(account, Date.now());
  say('CalDAV: vdirsyncer …');
  const vdirsyncer = await measureVdirsyncer(account.calendar, account.radicale);
  say('CalDAV: service …');
  const client = await service.as('bench');
  const connect = () => client.connect(account.radicale);
  const { figures, wrong } = await measureSync(client, { ...account, connect, ask: asked(client) });
  const unchanged = await measureUnchanged(client);
  const copied = vdirsyncer?.objects ?? events;
  return {
    figures: { ...started, ...figures, unchanged, events, warmUp: account.warmUp, baseline, vdirsyncer },
    wrong: [
      ...wrong,
      ...(baseline.objects === events ? [] : [`The bare client read ${baseline.objects} of ${events} objects.`]),
      ...(copied === events ? [] : [`vdirsyncer copied ${copied} of ${events} objects.`]),
    ],
  };
};

const measureGoogle = async (account: GoogleAccount, { service }: Started) => {
  say('Google: bare client …');
  const baseline = await measureGoogleBaseline(account, Date.now());
  say('Google: service …');
  const client = await service.as('bench-google');
  const { back: connect } = await atConsent(client, { account: account.email });
  const { figures, wrong } = await measureSync(client, { ...account, connect, ask: told });
  return { google: { ...figures, baseline }, wrong: wrong.map((each) => `Google: ${each}`) };
};

const measure = async ({ caldav, google }: Accounts, started: Started, events: number): Promise<Outcome> => {
  const first = await measureCalDAV(caldav, started, events);
  const second = await measureGoogle(google, started);
  return { figures: first.figures, google: second.google, wrong: [...first.wrong, ...second.wrong] };
};

const eventsAsked = (): number => {
  const { values } = parseArgs({ options: { events: { type: 'string', default: '5000' } } });
  const events = Number(values.events);
  if (!Number.isInteger(events) || events < 1_000) throw new Error('--events takes a whole number of at least 1000.');
  return events;
};

const measured = async (accounts: Accounts, events: number): Promise<readonly string[]> => {
  say('Starting the service twice …');
  const started = await startTwice(accounts.google.settings);
  const { service } = started;
  const memory = watchMemory(service.pid);
  try {
    const { figures, google, wrong } = await measure(accounts, started, events);
    say(`\n${report({ ...figures, peaks: memory.stop() }, google)}\n\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}).`);
    return wrong;
  } finally {
    memory.stop();
    await service.stop();
  }
};

const main = async (): Promise<readonly string[]> => {
  const events = eventsAsked();
  const now = new Date();
  say(`Seeding Radicale and Google’s simulator with ${events} events each …`);
  const caldav = await startAccount(events, now);
  try {
    const google = await startGoogleAccount(events, now);
    try {
      return await measured({ caldav, google }, events);
    } finally {
      await google.stop();
    }
  } finally {
    await caldav.radicale.stop();
  }
};

main().then(
  (wrong) => {
    say(wrong.length === 0 ? 'Every occurrence was there once.' : `\nWRONG\n${wrong.join('\n')}`);
    process.exitCode = wrong.length === 0 ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
