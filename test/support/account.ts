import { randomUUID } from 'node:crypto';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionRuntime } from '../../src/connection/connection.runtime.js';
import { type Secret, type Vault } from '../../src/kernel/vault.js';
import { type CalendarProvider } from '../../src/provider/calendar-provider.js';
import { NOW } from './builders.js';
import { metadata, type Stores } from './store.js';

/** The first fact of a connection. */
export const linked = (userId: string, account = 'mark-of-account'): ConnectionEvent => {
  const at = new Date(NOW).toISOString();
  const consent = { textVersion: '2026-11', givenAt: at };
  return { type: 'CalendarConnected', userId, provider: 'caldav', access: 'read', consent, account, sealed: 'a', at };
};

/** What connections are tended with; `now` is asked at every look at the clock. */
export const connectionRuntime = (
  { store, database }: Pick<Stores, 'store' | 'database'>,
  vault: Vault,
  provider: CalendarProvider | null = null,
  now: () => number = () => NOW,
): ConnectionRuntime => ({
  store,
  database,
  vault,
  providers: new Map(provider === null ? [] : [['caldav', provider]]),
  clock: { now },
  entropy: { uuid: () => randomUUID(), fraction: () => 0.5 },
});

/** A person with a connection whose secret is kept. */
export const connectedAccount = async (
  { store }: Pick<Stores, 'store'>,
  vault: Vault,
  secret: Secret = { username: 'ada', password: 'secret' },
) => {
  const [userId, connectionId] = [randomUUID(), randomUUID()];
  await vault.keep(userId, connectionId, secret);
  await vault.activate(connectionId);
  await store.append(`connection-${connectionId}`, -1n, [linked(userId)], connectionCodec, metadata());
  return { userId, connectionId };
};
