import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { codecOf } from '../../src/infra/codec.zod.js';
import { connectEventStore } from '../../src/infra/eventstore/event-store.client.js';
import { type Operations } from '../../src/infra/eventstore/operations.client.js';
import { openDatabase, type Postgres } from '../../src/infra/postgres/database.postgres.js';
import { type Cause, metadataOf } from '../../src/kernel/cause.js';
import { type EventStore, type Metadata } from '../../src/kernel/event-store.js';
import { type Log } from '../../src/kernel/log.js';
import { type EngineOptions, type Engines, startEngines } from './engines.js';

/** The engines of one test file, opened as the service opens them. */
export type Stores = Readonly<{
  engines: Engines;
  database: Postgres;
  store: EventStore;
  operations: Operations;
  log: Log;
  stop: () => Promise<void>;
}>;

const nothing = (): void => undefined;
export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export const openStores = async (options: EngineOptions = { inProcess: true }): Promise<Stores> => {
  const engines = await startEngines(options);
  const database = await openDatabase(engines.databaseUrl('juy'), SILENT).catch(async (error: unknown) => {
    await engines.stop();
    throw error;
  });
  const { store, operations, close } = connectEventStore(engines.eventStoreUrl, randomUUID, SILENT);
  return {
    engines,
    database,
    store,
    operations,
    log: SILENT,
    stop: async () => {
      await close();
      await database.close();
      await engines.stop();
    },
  };
};

/** The simplest event there is. */
export type Noted = Readonly<{ type: 'Noted'; text: string }>;

export const notes = codecOf<Noted>({ 'Noted.v1': z.strictObject({ text: z.string() }) });

export const noted = (text: string): Noted => ({ type: 'Noted', text });

/** A request of Ada's about herself. */
export const cause: Cause = {
  correlationId: 'correlation',
  causationId: 'causation',
  actor: 'ada',
  subject: 'ada',
  via: 'POST /v1/notes',
  origin: null,
};

/** Metadata of a command of its own unless one is named. */
export const metadata = (commandId: string = randomUUID()): Metadata => metadataOf(cause, commandId);

/** Looks again until it finds something; gives up, with `what` it was waiting for, after a minute. */
export const eventually = async <T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> => {
  const until = performance.now() + 60_000;
  for (let pause = 10; ; pause = Math.min(pause * 1.1, 50)) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > until) throw new Error(`waited in vain until ${what}`);
    await sleep(pause);
  }
};
