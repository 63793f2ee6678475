import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../src/config/service.config.js';
import { startEngines } from '../src/app/engines.js';
import { connectEventStore } from '../src/infra/eventstore/event-store.client.js';
import { pinoLog } from '../src/infra/logging/log.pino.js';
import { openDatabase } from '../src/infra/postgres/database.postgres.js';
import { systemEntropy } from '../src/infra/system.entropy.js';
import { masterKeyFile } from '../src/infra/vault/master-key.file.js';
import { vault } from '../src/infra/vault/vault.postgres.js';
import { startService } from '../test/support/service.js';
import { THREADS } from './heap.inspector.js';
import { measureHostile } from './hostile.js';
import { readMonths } from './month.js';
import { populate, type Population } from './population.js';
import { hostileReport } from './report.js';
import { steadySyncs } from './steady.js';
import { measureWorkers } from './workers.js';

const DAY = 86_400_000;
const SERIES = 8;

const say = (line: string): void => {
  console.log(line);
};

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

const verdict = (holds: boolean, target: string): string => `${holds ? 'within' : 'over'} ${target}`;

/** Numbers that are not given are those of the parts asked for: a hostile person, or reading, syncing, and more workers. */
const DEFAULTS = {
  usual: { people: 2_000, occurrences: 1_000_000, requests: 4_000, calendars: 200, minutes: 15, syncs: 0, accounts: 100 },
  hostile: { people: 0, occurrences: 0, requests: 1_000, calendars: 250, minutes: 1.5, syncs: 100, accounts: 0 },
} as const;

type Numbers = Readonly<Record<keyof typeof DEFAULTS.usual, number>>;

const asked = (): Numbers & Readonly<{ hostile: boolean }> => {
  const number = { type: 'string' } as const;
  const options = {
    people: number,
    occurrences: number,
    requests: number,
    calendars: number,
    minutes: number,
    syncs: number,
    accounts: number,
  };
  const { hostile = false, ...values } = parseArgs({ options: { ...options, hostile: { type: 'boolean' } } }).values;
  const numbers: Record<keyof Numbers, number> = { ...DEFAULTS[hostile ? 'hostile' : 'usual'] };
  for (const [name, text] of Object.entries(values)) {
    const value = Number(text);
    if (text === '' || !(value >= 0) || (name !== 'minutes' && !Number.isInteger(value)))
      throw new Error(`--${name} takes a ${name === 'minutes' ? 'number' : 'whole number'}.`);
    numbers[name as keyof Numbers] = value;
  }
  return { ...numbers, hostile };
};

/** So many singles beside weekly series that everybody has `occurrences` in the window. */
const populationOf = (people: number, occurrences: number, weeks: number): Population => {
  const each = Math.round(occurrences / people);
  const series = Math.min(SERIES, Math.floor(each / weeks));
  return { people, series, singles: each - Math.round(series * weeks) };
};

const measureReading = async (people: number, occurrences: number, requests: number): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'juy-load-'));
  const engines = await startEngines(readConfig({ DATA_DIR: dataDir }), pinoLog({ level: 'error', format: 'text' }));
  const { databaseUrl, eventStoreUrl } = engines;
  const masterKey = join(dataDir, 'master.key');
  try {
    const log = pinoLog({ level: 'error', format: 'text' });
    const database = await openDatabase(databaseUrl, log);
    const { store, close } = connectEventStore(eventStoreUrl, systemEntropy.uuid, log);
    const keys = vault(database, masterKeyFile(masterKey, true));
    const today = Math.floor(Date.now() / DAY) * DAY;
    const window = { start: new Date(today - 30 * DAY).toISOString(), end: new Date(today + 365 * DAY).toISOString() };
    const population = populationOf(people, occurrences, 395 / 7);
    say(`Appending the calendars of ${people} people …`);
    const began = performance.now();
    const last = await populate({ store, vault: keys }, population, window);
    const service = await startService({
      DATABASE_URL: databaseUrl,
      EVENTSTORE_URL: eventStoreUrl,
      MASTER_KEY_FILE: masterKey,
      ROLE: 'api,projector',
      LOG_LEVEL: 'warn',
    });
    try {
      say('Projecting them …');
      for (let position = 0n; position < last;) {
        await sleep(500);
        const [row] = await database.query<{ position: string | null }>(
          `select position from checkpoint where name = 'user_calendar_events'`,
        );
        position = BigInt(row?.position ?? 0);
      }
      const [row] = await database.query<{ count: string }>('select count(*) from user_calendar_events');
      say(
        `${row?.count ?? '0'} occurrences of ${people} people appended and projected in ${((performance.now() - began) / 1_000).toFixed(0)} s.`,
      );
      const { bare, served, wrong, occurrences: read } = await readMonths(service.url, databaseUrl, people, requests, today);
      say(
        `\nA month, 16 requests at once, ${requests} requests by turns, ${Math.round(read / requests)} occurrences each; the middle of three:`,
      );
      say(`  its SQL, bare                 p50 ${milliseconds(bare.p50)}   p95 ${milliseconds(bare.p95)}   ${bare.perSecond.toFixed(0)}/s`);
      const ratio = served.p95 / bare.p95;
      say(
        `  GET /v1/calendar/events       p50 ${milliseconds(served.p50)}   p95 ${milliseconds(served.p95)}   ${served.perSecond.toFixed(0)}/s   ` +
          `p95 ${ratio.toFixed(2)} x   ${verdict(ratio <= 2, '2 x')}`,
      );
      if (wrong > 0) throw new Error(`${wrong} of ${requests} answers differ from what the SQL found.`);
    } finally {
      await service.stop();
    }
    await close();
    await database.close();
  } finally {
    await engines.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
};

const measureSyncs = async (calendars: number, minutes: number): Promise<void> => {
  const { lag, longestRest, syncs, memory, live, changes } = await steadySyncs(calendars, minutes, say);
  say(
    `\n${calendars} calendars for ${minutes} minutes, every one due within a minute of its last reading: ${syncs} syncs, ${changes} changed events.`,
  );
  say(`  from due to read              p50 ${milliseconds(lag.p50)}   p95 ${milliseconds(lag.p95)}   ${verdict(lag.p95 <= 5_000, '5 s')}`);
  say(`  longest from one reading of a calendar to its next: ${(longestRest / 1_000).toFixed(1)} s`);
  const growth = (memory.late / memory.early - 1) * 100;
  say(
    `  memory of the service         ${memory.early.toFixed(0)} MB in the second fifth, ${memory.late.toFixed(0)} MB in the last: ${growth.toFixed(1)} %`,
  );
  for (const thread of THREADS)
    say(
      `  ${`live heap of its ${thread} thread`.padEnd(34)}${live.early[thread].toFixed(1)} MB after a fifth, ${live.late[thread].toFixed(1)} MB at the end`,
    );
};

const measureSeveral = async (accounts: number): Promise<void> => {
  const [one, three] = await measureWorkers(accounts, say);
  say(`\n${accounts} accounts at a service that answers after 2 s, each due again within ten seconds of its last reading:`);
  for (const { workers, perSecond, requests } of [one, three])
    say(
      `  ${workers === 1 ? 'one worker   ' : 'three workers'}                 ${perSecond.toFixed(1)} readings/s, ${requests.toFixed(1)} requests each`,
    );
  const ratio = three.perSecond / one.perSecond;
  say(`  three to one                  ${ratio.toFixed(2)} x   ${ratio >= 2.5 ? 'at least' : 'under'} 2.5 x`);
};

/** Times over their target are no failure, as they depend on the machine; something that is stopped or not fresh is one. */
const measureBesideHostile = async ({ calendars, ...amounts }: Numbers): Promise<void> => {
  const found = await measureHostile(amounts, calendars, say);
  say(`\n${hostileReport(found)}`);
  if (!found.checks.every(({ ok }) => ok) || !found.states.every((state) => state === 'fresh')) process.exitCode = 1;
};

const main = async (): Promise<void> => {
  const { hostile, ...numbers } = asked();
  const { people, occurrences, requests, calendars, minutes, accounts } = numbers;
  if (hostile) await measureBesideHostile(numbers);
  else {
    if (requests > 0) await measureReading(people, occurrences, requests);
    if (minutes > 0) await measureSyncs(calendars, minutes);
    if (accounts > 0) await measureSeveral(accounts);
  }
  say(`\n${cpus().length} processors (${cpus()[0]?.model.trim() ?? ''}), Node ${process.versions.node}.`);
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
