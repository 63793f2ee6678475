import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Service, startService } from '../test/support/service.js';
import { startStores } from '../test/support/stores.js';
import { smallCalendars } from './hostile.calendars.js';
import { type HostileServer, startHostileServer } from './hostile.server.js';

/** Readings a second with so many processes of the role `sync`, each of a calendar in an account of its own; `requests`: made to the services for each reading. */
export type Workers = Readonly<{ workers: number; perSecond: number; requests: number }>;

const ANSWER_AFTER = 2_000;
const MEASURED = 40_000;
const SETTLING = 12_000;
const LOOK = 1_000;

/** Every calendar is due again within ten seconds of its last reading, so that there is always more due than is read. */
const POLL_SECONDS = '10';

const LANES = 4;

const accountOf = (index: number): string => `account-${index}`;

const connectAll = async (api: Service, url: string, accounts: number): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < accounts; index = next++)
      await (await api.as(`person-${index}`)).connect({ url, user: accountOf(index), password: 'any' });
  };
  await Promise.all(Array.from({ length: LANES }, lane));
};

/** When each calendar was last read. No calendar is read twice between two looks. */
const successes = async (database: pg.Pool): Promise<ReadonlyMap<string, number>> => {
  const { rows } = await database.query<{ calendar_id: string; last_success_at: Date | null }>(
    'select calendar_id, last_success_at from sync_state',
  );
  return new Map(rows.map(({ calendar_id, last_success_at }) => [calendar_id, last_success_at?.getTime() ?? 0]));
};

const measure = async (database: pg.Pool, server: HostileServer, workers: number): Promise<Workers> => {
  await sleep(SETTLING);
  let [before, read] = [await successes(database), 0];
  const [requests, began] = [server.requests(), performance.now()];
  while (performance.now() < began + MEASURED) {
    await sleep(LOOK);
    const now = await successes(database);
    for (const [calendar, at] of now) if (at > (before.get(calendar) ?? 0)) read += 1;
    before = now;
  }
  const seconds = (performance.now() - began) / 1_000;
  return { workers, perSecond: read / seconds, requests: (server.requests() - requests) / Math.max(1, read) };
};

/** Every calendar has been read once, so that only what is due again is measured. */
const allRead = async (database: pg.Pool, accounts: number): Promise<void> => {
  while ([...(await successes(database)).values()].filter((at) => at > 0).length < accounts) await sleep(LOOK);
};

/**
 * Reads the calendars of so many accounts at a service that answers after two seconds, by one worker and then by three. Each worker reads four calendars of
 * one service at a time, so that waiting for answers is what limits it, and not this machine.
 */
export const measureWorkers = async (accounts: number, say: (line: string) => void): Promise<readonly [one: Workers, three: Workers]> => {
  const held = { calendars: smallCalendars(1, Date.now()), lie: null };
  const server = await startHostileServer(new Map(Array.from({ length: accounts }, (_, index) => [accountOf(index), held])));
  const stores = await startStores();
  const database = new pg.Pool({ connectionString: stores.addresses.DATABASE_URL, max: 1 });
  const started: Service[] = [];
  const settings = { ...stores.addresses, MASTER_KEY: randomBytes(32).toString('base64'), POLL_SECONDS, LOG_LEVEL: 'warn' };
  const start = async (ROLE: string): Promise<Service> => {
    const service = await startService({ ...settings, ROLE });
    started.push(service);
    return service;
  };
  try {
    const api = await start('api,projector');
    await start('sync');
    say(`\nConnecting ${accounts} accounts …`);
    await connectAll(api, server.url, accounts);
    await allRead(database, accounts);
    server.slow(ANSWER_AFTER);
    say('Reading them by one worker …');
    const one = await measure(database, server, 1);
    await Promise.all([start('sync'), start('sync')]);
    say('Reading them by three …');
    return [one, await measure(database, server, 3)];
  } finally {
    for (const service of started.reverse()) await service.stop();
    await database.end();
    await stores.stop();
    await server.stop();
  }
};
