import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Service } from '../test/support/service.js';
import { type BenchAccount, startAccount } from './account.radicale.js';
import { measureBaseline } from './baseline.js';
import { differences, expectationWithin, type Span } from './expected.ical.js';
import { watchMemory } from './memory.proc.js';
import { keysOf, measureFirstSync, measureOneChange, measurePaging, measureUnchanged, startTwice } from './ours.service.js';
import { type Figures, report } from './report.js';
import { measureVdirsyncer } from './vdirsyncer.process.js';

const DAY = 86_400_000;

const say = (line: string): void => {
  console.log(line);
};

const textOf = ({ start, end }: Span): string => `${new Date(start).toISOString()}/${new Date(end).toISOString()}`;

/** What `found` has wrong, for people; null when it is exactly what was expected. */
const wrongIn = (what: string, expected: readonly string[], found: readonly string[]): string | null => {
  const { missing, surplus } = differences(expected, found);
  if (missing.length === 0 && surplus.length === 0) return null;
  const some = [...missing.slice(0, 3).map((key) => `  missing: ${key}`), ...surplus.slice(0, 3).map((key) => `  too much: ${key}`)];
  return [
    `${what}: ${expected.length} expected, ${found.length} found, ${missing.length} missing, ${surplus.length} too much.`,
    ...some,
  ].join('\n');
};

type Outcome = Readonly<{ figures: Omit<Figures, 'peaks'>; wrong: readonly string[] }>;
type Started = Readonly<{ service: Service; cold: number; second: number }>;
type Measured = Readonly<{
  figures: Omit<Figures, 'peaks' | 'events' | 'warmUp' | 'baseline' | 'vdirsyncer'>;
  wrong: readonly (string | null)[];
}>;

/** The spans the service is asked for: its window, whole days; and the next 30 days. */
const spansAt = (now: number): Readonly<{ whole: Span; soon: Span }> => {
  const today = Math.floor(now / DAY) * DAY;
  const minute = Math.floor(now / 60_000) * 60_000;
  return { whole: { start: today - 30 * DAY, end: today + 365 * DAY }, soon: { start: minute, end: minute + 30 * DAY } };
};

const measureService = async (account: BenchAccount, { service, ...started }: Started): Promise<Measured> => {
  const { whole, soon } = spansAt(Date.now());
  const expected = expectationWithin(whole);
  const [soonExpected, wholeExpected] = [await expected(account.texts(), soon), await expected(account.texts(), whole)];
  const client = await service.as('bench');
  const first = await measureFirstSync(client, account, textOf(soon), soonExpected.length);
  const paged = await measurePaging(client, textOf(whole));
  const soonFound = await client.events(textOf(soon));
  const oneChange = await measureOneChange(client, account);
  const unchanged = await measureUnchanged(client);
  const after = await measurePaging(client, textOf(whole));
  const ids = new Set(paged.events.map(({ id, calendarId }) => `${calendarId} ${id}`));
  const occurrences = paged.events.length;
  return {
    figures: { ...started, ...first, oneChange, unchanged, occurrences, paging: paged.milliseconds, pages: paged.pages },
    wrong: [
      wrongIn('The whole range', wholeExpected, keysOf(paged.events)),
      wrongIn('The next 30 days', soonExpected, keysOf(soonFound)),
      wrongIn('The whole range after the changes', await expected(account.texts(), whole), keysOf(after.events)),
      ids.size === occurrences ? null : `${occurrences - ids.size} occurrences came twice.`,
    ],
  };
};

const measure = async (account: BenchAccount, started: Started, events: number): Promise<Outcome> => {
  say('Bare client …');
  const baseline = await measureBaseline(account, Date.now());
  say('vdirsyncer …');
  const vdirsyncer = await measureVdirsyncer(account.calendar, account.radicale);
  say('Service …');
  const { figures, wrong } = await measureService(account, started);
  const copied = vdirsyncer?.objects ?? events;
  return {
    figures: { ...figures, events, warmUp: account.warmUp, baseline, vdirsyncer },
    wrong: [
      ...wrong,
      baseline.objects === events ? null : `The bare client read ${baseline.objects} of ${events} objects.`,
      copied === events ? null : `vdirsyncer copied ${copied} of ${events} objects.`,
    ].filter((each) => each !== null),
  };
};

const eventsAsked = (): number => {
  const { values } = parseArgs({ options: { events: { type: 'string', default: '5000' } } });
  const events = Number(values.events);
  if (!Number.isInteger(events) || events < 1_000) throw new Error('--events takes a whole number of at least 1000.');
  return events;
};

const main = async (): Promise<readonly string[]> => {
  const events = eventsAsked();
  say(`Seeding Radicale with ${events} events and warming its cache …`);
  const account = await startAccount(events, new Date());
  try {
    say('Starting the service twice …');
    const started = await startTwice();
    const { service } = started;
    const memory = watchMemory(service.pid);
    try {
      const { figures, wrong } = await measure(account, started, events);
      say(`\n${report({ ...figures, peaks: memory.stop() })}\n\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}).`);
      return wrong;
    } finally {
      memory.stop();
      await service.stop();
    }
  } finally {
    await account.radicale.stop();
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
