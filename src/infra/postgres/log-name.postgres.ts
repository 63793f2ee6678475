import { z } from 'zod';
import { metadataOf, systemCause } from '../../kernel/cause.js';
import { type Clock, instant } from '../../kernel/clock.js';
import { type Entropy } from '../../kernel/entropy.js';
import { type EventStore, WrongRevision } from '../../kernel/event-store.js';
import { type Sql } from '../../kernel/sql.js';
import { codecOf } from '../codec.zod.js';

/** The log got the name it is told by. At most once in a log, by the process that opens it first. */
export type LogNamed = Readonly<{ type: 'LogNamed'; log: string; at: string }>;

export const logSchemas = { 'LogNamed.v1': z.strictObject({ log: z.uuid(), at: z.iso.datetime() }) };

export const logCodec = codecOf<LogNamed>(logSchemas);

/** Permanent; of no projection, and never truncated, so that no scavenge takes it. */
const STREAM = 'log-name';

type Log = Pick<EventStore, 'load' | 'append'>;

const nameIn = async (store: Pick<Log, 'load'>): Promise<string | null> => (await store.load(STREAM, logCodec))[0]?.log ?? null;

const nameFor = async (store: Log, clock: Clock, entropy: Pick<Entropy, 'uuid'>): Promise<string> => {
  const known = await nameIn(store);
  if (known !== null) return known;
  const log = entropy.uuid();
  const metadata = metadataOf(systemCause('start', null, entropy.uuid()), entropy.uuid());
  try {
    await store.append(STREAM, -1n, [{ type: 'LogNamed', log, at: instant(clock.now()) }], logCodec, metadata);
    return log;
  } catch (error) {
    const others = error instanceof WrongRevision ? await nameIn(store) : null;
    if (others === null) throw error;
    return others;
  }
};

const rememberedName = async (sql: Sql): Promise<string | null> =>
  (await sql.query<{ name: string }>('select name from known_log'))[0]?.name ?? null;

/** Whether the read models were built from another log than this one. */
export const isAnotherLog = async (sql: Sql, store: Pick<Log, 'load'>): Promise<boolean> => {
  const remembered = await rememberedName(sql);
  return remembered !== null && remembered !== (await nameIn(store));
};

/** Remembers the log the read models are built from, which gets a name if it has none. What is remembered stays until `beginAnew`. */
export const rememberLog = async (
  sql: Sql,
  { store, clock, entropy }: Readonly<{ store: Log; clock: Clock; entropy: Pick<Entropy, 'uuid'> }>,
): Promise<void> => {
  if ((await rememberedName(sql)) !== null) return;
  await sql.query('insert into known_log (name) values ($1) on conflict do nothing', [await nameFor(store, clock, entropy)]);
};
