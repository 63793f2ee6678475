import { isToldOf } from '../sync/freshness.js';
import { retryAt } from '../sync/generation.js';
import { type Cause } from '../kernel/cause.js';
import { DAY, HOUR, instant } from '../kernel/clock.js';
import { type Lease } from '../kernel/due-work.js';
import { Refused } from '../kernel/refused.js';
import { AccountTaken, type Secret } from '../kernel/vault.js';
import { type CalendarProvider, type Discovery, type ProviderFault } from '../provider/calendar-provider.js';
import { type Grant } from '../provider/grant.js';
import { accountFaultOf, type AccountFault, isDeadGrant, obstacleOf } from './account-fault.js';
import { recordDiscovery } from './account.discovery.js';
import { type GrantOf, grantsOf } from './account.grant.js';
import { accountMarks, noteGrant } from './account.proof.js';
import { causeOf, type ConnectionRow, later, record } from './connection.record.js';
import { type ConnectionRuntime } from './connection.runtime.js';
import { type KeyGone } from './key-gone.js';
import { windUp } from './revocation.worker.js';

/** What a dead grant or a failing account means for its connection. */
export const faultReporter =
  (runtime: ConnectionRuntime) =>
  async (connectionId: string, told: AccountFault, cause: Cause): Promise<void> => {
    const at = instant(runtime.clock.now());
    await record(runtime, connectionId, { type: 'ReportFault', ...told, at }, cause);
  };

/** What a good reading means for a connection that was said to be failing. */
export const recoveryReporter =
  (runtime: ConnectionRuntime) =>
  async (connectionId: string, cause: Cause): Promise<void> => {
    const at = instant(runtime.clock.now());
    await record(runtime, connectionId, { type: 'ReportRecovery', at }, cause);
  };

/** `KeyGone`, also for the workers, which have no Nest. */
export const keyGoneReporter =
  (runtime: Pick<ConnectionRuntime, 'store' | 'database' | 'clock' | 'entropy'>): KeyGone =>
  async (connectionId, cause) => {
    const at = instant(runtime.clock.now());
    try {
      await record(runtime, connectionId, { type: 'Revoke', owner: null, at }, cause);
    } catch (error) {
      // The log knows no such connection.
      if (!(error instanceof Refused)) throw error;
    }
    for (const table of ['remote_object', 'sync_run'])
      await runtime.database.query(
        `delete from ${table} where calendar_id in (select calendar_id from sync_state where connection_id = $1)`,
        [connectionId],
      );
    await runtime.database.query('delete from sync_state where connection_id = $1', [connectionId]);
  };

/** A claimed row, and the cause of what becomes of it. */
type Tended = Readonly<{ row: ConnectionRow; cause: Cause }>;

/** Takes note of which account the secret opens. One that another connection of the person holds already goes on by the mark it has. */
const prove = async (runtime: ConnectionRuntime, { row, cause }: Tended, secret: Secret, discovery: Discovery): Promise<void> => {
  const { connection_id: connectionId, user_id: userId, provider } = row;
  const { proved } = await accountMarks(runtime.vault, userId, provider, secret, discovery);
  await noteGrant(runtime.vault, connectionId, provider, discovery);
  try {
    await runtime.vault.holdAccount(userId, connectionId, proved);
  } catch (error) {
    if (error instanceof AccountTaken) return;
    throw error;
  }
  const at = instant(runtime.clock.now());
  await record(runtime, connectionId, { type: 'ProveAccount', account: proved, at }, cause);
};

/** Days after which an access is renewed that nothing else has renewed: vendors end what is not used, the strictest of them after 90 days. */
const DORMANT = 25;

/** What opens the account, renewed where it would else be forgotten by its vendor. */
const awake = async ({ vault }: ConnectionRuntime, row: ConnectionRow, { oauth }: CalendarProvider, grant: Grant): Promise<Secret> => {
  const secret = await grant.secret();
  return oauth !== null && (await vault.isDormant(row.connection_id, DORMANT)) ? grant.renew(secret) : secret;
};

/** Reads the list of calendars again once a day, and completes what a death while connecting left open. */
const discover = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease, grantOf: GrantOf): Promise<void> => {
  const { connection_id: connectionId, user_id: userId, provider } = row;
  const now = runtime.clock.now();
  const adapter = runtime.providers.get(provider);
  if (adapter === undefined) return later(runtime, row, lease, row.failures, now + DAY);
  await runtime.vault.activate(connectionId);
  const cause = causeOf(runtime, row);
  try {
    const grant = await grantOf(row, lease);
    const secret = await awake(runtime, row, adapter, grant);
    const discovery = await adapter.discover(grant, lease);
    await lease.permit();
    await prove(runtime, { row, cause }, secret, discovery);
    await recordDiscovery(runtime, { connectionId, userId, provider, cause }, discovery.calendars);
    await later(runtime, row, lease, 0, now + DAY + Math.floor(runtime.entropy.fraction() * HOUR));
  } catch (error) {
    await undiscovered(runtime, { row, cause }, lease, error);
  }
};

/** Until when a calendar of the account is fresh; null: none was ever read. */
const freshUntil = async ({ database }: ConnectionRuntime, { connection_id }: ConnectionRow): Promise<Date | null> => {
  const [row] = await database.query<{ until: Date | null }>('select max(fresh_until) as until from sync_state where connection_id = $1', [
    connection_id,
  ]);
  return row?.until ?? null;
};

const undiscovered = async (runtime: ConnectionRuntime, tended: Tended, lease: Lease, error: unknown): Promise<void> => {
  const { row, cause } = tended;
  const obstacle = obstacleOf(error);
  if (obstacle === null) throw error;
  if (obstacle !== 'key-gone') return putOff(runtime, tended, lease, obstacle);
  await keyGoneReporter(runtime)(row.connection_id, cause);
  // The fact brings a row of its own.
  await runtime.database.query('delete from connection_state where connection_id = $1 and epoch = $2', [row.connection_id, lease.epoch]);
};

/** A dead grant is looked at once a day, in case the old password holds again; everything else after longer and longer pauses. */
const putOff = async (runtime: ConnectionRuntime, { row, cause }: Tended, lease: Lease, obstacle: ProviderFault): Promise<void> => {
  const { fault, retryAfter } = obstacle;
  const [now, failures, chance] = [runtime.clock.now(), row.failures + 1, runtime.entropy.fraction()];
  const dead = isDeadGrant(fault);
  const told = isToldOf(fault, await freshUntil(runtime, row), now) ? accountFaultOf(obstacle, 'account') : null;
  if (told !== null) await faultReporter(runtime)(row.connection_id, told, cause);
  await later(runtime, row, lease, failures, dead ? now + DAY + Math.floor(chance * HOUR) : retryAt(now, failures, retryAfter, chance));
};

/** One piece of due work on a connection. */
export const tendConnection =
  (runtime: ConnectionRuntime, grantOf: GrantOf = grantsOf(runtime)) =>
  (row: ConnectionRow, lease: Lease): Promise<void> =>
    row.task === 'revoke' ? windUp(runtime, row, lease) : discover(runtime, row, lease, grantOf);
