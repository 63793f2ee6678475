import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { atConsent } from '../test/support/linked-service.js';
import { atMicrosoftConsent } from '../test/support/linked-microsoft.js';
import { type Client, type Service } from '../test/support/service.js';
import { startGoogleAccount } from './account.google.js';
import { startMicrosoftAccount } from './account.microsoft.js';
import { type BenchAccount, startAccount } from './account.radicale.js';
import { type VendorAccount } from './account.vendor.js';
import { measureBaseline, measureVendorBaseline } from './baseline.js';
import { measureSync } from './first-sync.measure.js';
import { watchMemory } from './memory.proc.js';
import { measureUnchanged, startTwice } from './ours.service.js';
import { type Figures, type VendorFigures, report } from './report.js';
import { measureVdirsyncer } from './vdirsyncer.process.js';

const say = (line: string): void => {
  console.log(line);
};

type Started = Readonly<{ service: Service; cold: number; second: number }>;
/** `target`: milliseconds until everything can be read. `begin`: sends a person to the vendor's pages; what it answers follows the redirect back. */
type Vendor = Readonly<{
  name: string;
  target: number;
  start: (events: number, now: Date) => Promise<VendorAccount>;
  begin: (client: Client, email: string) => Promise<Readonly<{ back: () => Promise<unknown> }>>;
}>;
type Accounts = Readonly<{ caldav: BenchAccount; vendors: ReadonlyMap<Vendor, VendorAccount> }>;
type Outcome = Readonly<{ figures: Omit<Figures, 'peaks'>; vendors: ReadonlyMap<string, VendorFigures>; wrong: readonly string[] }>;

const VENDORS: readonly Vendor[] = [
  { name: 'Google', target: 5_000, start: startGoogleAccount, begin: (client, account) => atConsent(client, { account }) },
  { name: 'Microsoft', target: 10_000, start: startMicrosoftAccount, begin: atMicrosoftConsent },
];

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

const measureVendor = async ({ name, target, begin }: Vendor, account: VendorAccount, { service }: Started) => {
  say(`${name}: bare client …`);
  const baseline = await measureVendorBaseline(account, Date.now());
  say(`${name}: service …`);
  const client = await service.as(`bench-${name.toLowerCase()}`);
  const { back: connect } = await begin(client, account.email);
  const { figures, wrong } = await measureSync(client, { ...account, connect, ask: told });
  return { measured: { ...figures, baseline, target }, wrong: wrong.map((each) => `${name}: ${each}`) };
};

const measure = async ({ caldav, vendors }: Accounts, started: Started, events: number): Promise<Outcome> => {
  const { figures, wrong } = await measureCalDAV(caldav, started, events);
  const found = new Map<string, VendorFigures>();
  const all = [...wrong];
  for (const [vendor, account] of vendors) {
    const { measured, wrong: others } = await measureVendor(vendor, account, started);
    found.set(vendor.name, measured);
    all.push(...others);
  }
  return { figures, vendors: found, wrong: all };
};

const eventsAsked = (): number => {
  const { values } = parseArgs({ options: { events: { type: 'string', default: '5000' } } });
  const events = Number(values.events);
  if (!Number.isInteger(events) || events < 1_000) throw new Error('--events takes a whole number of at least 1000.');
  return events;
};

const measured = async (accounts: Accounts, events: number): Promise<readonly string[]> => {
  say('Starting the service twice …');
  const started = await startTwice(
    Object.assign({}, ...[...accounts.vendors.values()].map(({ settings }) => settings)) as Record<string, string>,
  );
  const { service } = started;
  const memory = watchMemory(service.pid);
  try {
    const { figures, vendors, wrong } = await measure(accounts, started, events);
    say(`\n${report({ ...figures, peaks: memory.stop() }, vendors)}\n\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}).`);
    return wrong;
  } finally {
    memory.stop();
    await service.stop();
  }
};

const main = async (): Promise<readonly string[]> => {
  const events = eventsAsked();
  const now = new Date();
  say(`Seeding Radicale and the vendors’ simulators with ${events} events each …`);
  const caldav = await startAccount(events, now);
  const vendors = new Map<Vendor, VendorAccount>();
  try {
    for (const vendor of VENDORS) vendors.set(vendor, await vendor.start(events, now));
    return await measured({ caldav, vendors }, events);
  } finally {
    for (const { stop } of vendors.values()) await stop();
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
