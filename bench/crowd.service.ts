import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Service, startService } from '../test/support/service.js';
import { startStores } from '../test/support/stores.js';
import { INSPECTABLE } from './heap.inspector.js';

/** Two whole processes of the service on the same stores. `steady` lives all the time, `mortal` is killed. */
export type Pair = Readonly<{
  steady: Service;
  mortal: Service;
  rows: <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  stop: () => Promise<void>;
}>;

/** The mortal one starts first, so that the steady one has to take over from it. */
export const startPair = async (settings: Readonly<Record<string, string>>): Promise<Pair> => {
  const stores = await startStores();
  const database = new pg.Pool({ connectionString: stores.addresses.DATABASE_URL, max: 2 });
  const started: Service[] = [];
  const stop = async (): Promise<void> => {
    for (const service of started.reverse()) await service.stop();
    await database.end();
    await stores.stop();
  };
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<Service> => {
    const service = await startService({ ...shared, ...more });
    started.push(service);
    return service;
  };
  const shared = {
    ...stores.addresses,
    MASTER_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
    ...settings,
  };
  try {
    const mortal = await start();
    return {
      mortal,
      steady: await start(INSPECTABLE),
      rows: async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
        (await database.query<Row>(sql, [...values])).rows,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Looks again every quarter of a second; throws, with what it was waiting for, after so many milliseconds. */
export const until = async (what: string, milliseconds: number, look: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + milliseconds;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}.`);
    await sleep(250);
  }
};

/** Does something with each of many, so many at a time. */
export const eachOf = async <T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};
