import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { tendConnection } from '../../src/connection/connection.worker.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { connectionRuntime } from '../support/account.js';
import { eventually } from '../support/store.js';
import {
  type Adopted,
  adopted,
  adoptedTwo,
  keysOfVault,
  lunch,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const withoutRow = (name: string) => stores.database.query('delete from vault where name = $1', [name]);
const withoutSecret = ({ connectionId }: Adopted) => withoutRow(`secret:${connectionId}`);

const accountFacts = async ({ connectionId }: Adopted) => (await stores.store.load(`connection-${connectionId}`, connectionCodec)).slice(1);

const rowsOf = (table: 'sync_state' | 'connection_state', { connectionId }: Adopted) =>
  stores.database.query<ConnectionRow & { epoch: string; dueIn: number }>(
    `select *, extract(epoch from due_at - now())::float8 * 1000 as "dueIn" from ${table} where connection_id = $1`,
    [connectionId],
  );

/** The daily look at an account. */
const discover = async (calendar: Adopted): Promise<void> => {
  const [row] = await rowsOf('connection_state', calendar);
  if (row === undefined) throw new Error('there is no such row');
  const lease: Lease = { epoch: BigInt(row.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
  await tendConnection(connectionRuntime(stores, keysOfVault(), calendar.account.provider, () => Date.now()))(row, lease);
};

const BY = { 'a sync': sync, 'the daily discovery': discover } as const;

describe('A connection whose secret is gone', () => {
  it.each(['a sync', 'the daily discovery'] as const)('waits for its owner, found by %s', async (way) => {
    const [work, home] = await adoptedTwo();
    await withoutSecret(work);
    await BY[way](work);
    expect(await accountFacts(work)).toMatchObject([{ type: 'ConnectionFailing', fault: 'access-revoked', needsReconnect: true }]);
    for (const calendar of [work, home])
      await eventually('it is tried no more', async () => {
        const { fault, dueIn } = await stateOf(calendar);
        return fault === 'access-revoked' && dueIn === Infinity;
      });
    expect([work.account.scans(), home.account.scans()]).toEqual([[], []]);
  });

  it('is read again once its owner has given it again', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    await withoutSecret(calendar);
    await sync(calendar);
    await keysOfVault().replaceSecret(calendar.userId, calendar.connectionId, { password: 'new' });
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: null });
  });
});

describe('A connection whose key is gone', () => {
  it.each([
    ['its own', 'a sync'],
    ['its own', 'the daily discovery'],
    ['its owner’s', 'a sync'],
    ['its owner’s', 'the daily discovery'],
  ] as const)('(%s) is revoked, found by %s, and nothing of it is due any more', async (whose, way) => {
    const [work] = await adoptedTwo();
    await withoutRow(whose === 'its own' ? `connection:${work.connectionId}` : `subject:${work.userId}`);
    await BY[way](work);
    expect(await accountFacts(work)).toMatchObject([{ type: 'ConnectionRevoked' }]);
    expect(await rowsOf('sync_state', work)).toEqual([]);
    await eventually('it is wound up', async () => (await rowsOf('connection_state', work))[0]?.task === 'revoke');
    await discover(work);
    expect((await accountFacts(work)).map(({ type }) => type)).toEqual(['ConnectionRevoked', 'GrantRevoked', 'ConnectionPurged']);
  });

  it('leaves no row of a calendar that was adopted behind its revocation before there were tombstones', async () => {
    const calendar = await adopted();
    await withoutRow(`connection:${calendar.connectionId}`);
    await sync(calendar);
    await eventually('it is wound up', async () => (await rowsOf('connection_state', calendar))[0]?.task === 'revoke');
    await discover(calendar);
    await stores.database.query(
      `insert into sync_state (calendar_id, connection_id, user_id, provider, sealed, due_at) values ($1, $2, $3, 'caldav', 'a', now())`,
      [calendar.calendarId, calendar.connectionId, calendar.userId],
    );
    await sync(calendar);
    expect(await rowsOf('sync_state', calendar)).toEqual([]);
    expect(await accountFacts(calendar)).toHaveLength(3);
  });
});
