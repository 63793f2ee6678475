import { freshFrom } from '../calendar/freshness.js';
import { retryAt } from '../calendar/generation.js';
import { PASSING_FAULTS } from '../calendar/reasons.js';
import { DAY, HOUR, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Lease } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type Metadata } from '../kernel/event-store.js';
import { KeyDestroyed } from '../kernel/vault.js';
import { ProviderFault } from '../provider/calendar-provider.js';
import { recordDiscovery } from './account.discovery.js';
import { connection, type ConnectionCommand } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type ConnectionRuntime } from './connection.runtime.js';

/** A claimed row of `connection_state`. */
export type ConnectionRow = Readonly<{
  connection_id: string;
  user_id: string;
  provider: string;
  task: 'discover' | 'revoke';
  failures: number;
}>;

const ACTOR = 'system:sync';

/** Metadata of a step the system takes by itself; one correlation id for each piece of work. */
const systemMetadata = (entropy: Entropy): (() => Metadata) => {
  const correlationId = entropy.uuid();
  return () => ({ commandId: entropy.uuid(), correlationId, causationId: correlationId, actor: ACTOR });
};

const record = async ({ store }: ConnectionRuntime, id: string, command: ConnectionCommand, metadata: Metadata): Promise<void> => {
  await handle(store, connection, connectionCodec, { id, command, metadata, ifMatch: null });
};

/** What a dead grant or a failing account means for its connection. */
export const faultReporter =
  (runtime: ConnectionRuntime) =>
  async (connectionId: string, fault: string, needsReconnect: boolean): Promise<void> => {
    const at = instant(runtime.clock.now());
    await record(runtime, connectionId, { type: 'ReportFault', fault, needsReconnect, at }, systemMetadata(runtime.entropy)());
  };

/** What a good reading means for a connection that was said to be failing. */
export const recoveryReporter =
  (runtime: ConnectionRuntime) =>
  async (connectionId: string): Promise<void> => {
    const at = instant(runtime.clock.now());
    await record(runtime, connectionId, { type: 'ReportRecovery', at }, systemMetadata(runtime.entropy)());
  };

const later = async ({ database }: ConnectionRuntime, row: ConnectionRow, lease: Lease, failures: number, due: number): Promise<void> => {
  await database.query('update connection_state set failures = $3, due_at = $4 where connection_id = $1 and epoch = $2', [
    row.connection_id,
    lease.epoch,
    failures,
    instant(due),
  ]);
};

/** Reads the list of calendars again once a day, and completes what a death while connecting left open. */
const discover = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease): Promise<void> => {
  const { connection_id: connectionId, user_id: userId, provider } = row;
  const now = runtime.clock.now();
  const adapter = runtime.providers.get(provider);
  if (adapter === undefined) return later(runtime, row, lease, row.failures, now + DAY);
  await runtime.vault.activate(connectionId);
  const secret = await runtime.vault.secret(userId, connectionId);
  try {
    const { calendars } = await adapter.discover(secret, lease);
    await lease.permit();
    await recordDiscovery(runtime, { connectionId, userId, provider, metadata: systemMetadata(runtime.entropy) }, calendars);
    await later(runtime, row, lease, 0, now + DAY + Math.floor(runtime.entropy.fraction() * HOUR));
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error;
    await putOff(runtime, row, lease, error);
  }
};

/** Whether a fault passes by itself as far as anybody knows: a calendar of the account was read a moment ago. */
const passes = async ({ database, clock }: ConnectionRuntime, { connection_id }: ConnectionRow, fault: string): Promise<boolean> =>
  PASSING_FAULTS.includes(fault) &&
  (
    await database.query('select 1 from sync_state where connection_id = $1 and last_success_at >= $2 limit 1', [
      connection_id,
      instant(freshFrom(clock.now())),
    ])
  ).length > 0;

/** A dead grant is looked at once a day, in case the old password holds again; everything else after longer and longer pauses. */
const putOff = async (
  runtime: ConnectionRuntime,
  row: ConnectionRow,
  lease: Lease,
  { fault, retryAfter }: ProviderFault,
): Promise<void> => {
  const [now, failures, chance] = [runtime.clock.now(), row.failures + 1, runtime.entropy.fraction()];
  const dead = fault === 'access-revoked';
  if (!(await passes(runtime, row, fault))) await faultReporter(runtime)(row.connection_id, fault, dead);
  await later(runtime, row, lease, failures, dead ? now + DAY + Math.floor(chance * HOUR) : retryAt(now, failures, retryAfter, chance));
};

const giveBack = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease): Promise<'revoked' | 'manual'> => {
  try {
    const secret = await runtime.vault.secret(row.user_id, row.connection_id);
    return (await runtime.providers.get(row.provider)?.revoke(secret, lease)) ?? 'manual';
  } catch (error) {
    // The secret went with an earlier attempt; the grant was given back before it, or is the user's to end.
    if (error instanceof KeyDestroyed) return 'manual';
    throw error;
  }
};

/** Winds a revoked connection up, each step repeatable: grant, then secrets and keys, then what is known of its objects, then its feeds. */
const revoke = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease): Promise<void> => {
  const { database, store, vault, clock, entropy } = runtime;
  const { connection_id: connectionId } = row;
  const metadata = systemMetadata(entropy);
  const how = await giveBack(runtime, row, lease);
  await record(runtime, connectionId, { type: 'RecordGrantRevoked', how, at: instant(clock.now()) }, metadata());
  await vault.destroyConnection(connectionId);
  const { events } = await store.load(`connection-${connectionId}`, connectionCodec);
  const calendars = [
    ...new Set(
      events.flatMap((event) => (event.type === 'CalendarsDiscovered' ? event.calendars.map(({ calendarId }) => calendarId) : [])),
    ),
  ];
  await database.query('delete from remote_object where calendar_id = any($1)', [calendars]);
  await database.query('delete from sync_run where calendar_id = any($1)', [calendars]);
  for (const calendarId of calendars) {
    const last = await store.lastRevision(`feed-${calendarId}`);
    if (last >= 0n) await store.truncateBefore(`feed-${calendarId}`, last + 1n);
  }
  await record(runtime, connectionId, { type: 'RecordPurge', at: instant(clock.now()) }, metadata());
};

/** One piece of due work on a connection. */
export const tendConnection =
  (runtime: ConnectionRuntime) =>
  (row: ConnectionRow, lease: Lease): Promise<void> =>
    row.task === 'revoke' ? revoke(runtime, row, lease) : discover(runtime, row, lease);
