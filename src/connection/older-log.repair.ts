import { metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore, idOf } from '../kernel/event-store.js';
import { type Sql } from '../kernel/sql.js';
import { type Connection, connection } from './connection.js';
import { connectionCodec, connectionFamily } from './connection.codec.js';

type Runtime = Readonly<{ sql: Sql; store: EventStore; clock: Clock; entropy: Entropy }>;

/** `forgotten`: connections the log does not know; `revoked`: those it knew as live although their keys have been destroyed. */
export type Repaired = Readonly<{ forgotten: number; revoked: number }>;

/** Every connection of the log, by its id. */
const connectionsIn = async (store: EventStore): Promise<ReadonlyMap<string, Connection>> => {
  const found = new Map<string, Connection>();
  for await (const { events, live } of store.follow([connectionFamily], null, new AbortController().signal)) {
    for (const { stream, event } of events) {
      const id = idOf(stream);
      found.set(id, connection.evolve(found.get(id) ?? connection.initial, event));
    }
    if (live) break;
  }
  return found;
};

const revoke = async ({ store, clock, entropy }: Runtime, id: string, state: Connection): Promise<void> => {
  const cause = systemCause('operator', state.status === 'none' ? null : state.userId, entropy.uuid());
  await handle(store, connection, connectionCodec, {
    id,
    command: { type: 'Revoke', owner: null, at: instant(clock.now()) },
    metadata: metadataOf(cause, entropy.uuid()),
    ifMatch: null,
  });
};

/**
 * Brings keys and log to one story when an older log is taken as the truth: a connection made after it loses its keys and password, which
 * no person could ask for again, and one revoked after it is revoked once more. Repeating it is harmless.
 */
export const repairConnections = async (runtime: Runtime): Promise<Repaired> => {
  const { sql, store } = runtime;
  const known = await connectionsIn(store);
  const rows = await sql.query<{ connection_id: string; keyed: boolean }>(
    `select connection_id, bool_or(name = 'connection:' || connection_id) as keyed from vault where connection_id is not null group by connection_id`,
  );
  const keyed = new Set(rows.filter((row) => row.keyed).map(({ connection_id }) => connection_id));
  const forgotten = rows.map(({ connection_id }) => connection_id).filter((id) => !known.has(id));
  await sql.query('delete from vault where connection_id = any($1)', [forgotten]);
  const keyless = [...known].filter(([id, { status }]) => status !== 'revoked' && !keyed.has(id));
  for (const [id, state] of keyless) await revoke(runtime, id, state);
  return { forgotten: forgotten.length, revoked: keyless.length };
};
