import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { grantsOf } from '../../src/connection/account.grant.js';
import { DataSource } from 'typeorm';
import { openDatabase } from '../../src/infra/postgres/database.postgres.js';
import { Mend1764150000000 } from '../../src/infra/postgres/migrations/mend.migration.js';
import { Schema1763800000000 } from '../../src/infra/postgres/migrations/schema.migration.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { type Secret, type Vault } from '../../src/kernel/vault.js';
import { allowed } from '../support/caldav.js';
import { testEndings } from '../support/opened.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';
import { type Rotation, startTokenEndpoint, type TokenEndpoint, tokenProvider } from '../support/token-endpoint.js';

const MINUTE = 60_000;
const masterKey = randomBytes(32);
const atEnd = testEndings();
let stores: Stores;
let keys: Vault;
beforeAll(async () => {
  stores = await openStores();
  keys = vault(stores.database, masterKey);
});
afterAll(() => stores.stop());

/** A connected account whose tokens are good for so long, and processes that work with it. */
const connected = async (life: number, rotation: Rotation = 'lasting') => {
  const endpoint = await startTokenEndpoint(rotation);
  atEnd(() => endpoint.stop());
  const row = { connection_id: randomUUID(), user_id: randomUUID(), provider: 'vendor' };
  const first = endpoint.connect(Date.now(), life);
  await keys.keep(row.user_id, row.connection_id, first);
  await keys.activate(row.connection_id);
  const stored = (): Promise<Secret> => keys.secret(row.user_id, row.connection_id);
  /** The grant as a process of its own holds it. */
  const grantOf = (over: Partial<Vault> = {}, call = allowed()) => {
    const providers = new Map([['vendor', tokenProvider(endpoint, () => Date.now())]]);
    return grantsOf({ vault: { ...keys, ...over }, providers, clock: { now: () => Date.now() } })(row, call);
  };
  return { endpoint, row, first, stored, grantOf };
};
type Connected = Awaited<ReturnType<typeof connected>>;

const expireLease = ({ row }: Connected) =>
  stores.database.query(`update grant_renewal set held_until = clock_timestamp() - interval '1 second' where connection_id = $1`, [
    row.connection_id,
  ]);
const isHeld = async ({ row }: Connected): Promise<boolean> =>
  (
    await stores.database.query('select 1 from grant_renewal where connection_id = $1 and held_until > clock_timestamp()', [
      row.connection_id,
    ])
  ).length > 0;

/** Answers of the endpoint wait until they are let go. */
const holding = ({ hold }: TokenEndpoint): (() => void) => {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  hold.until = () => gate;
  return letGo;
};

describe('The grant of an account with tokens', () => {
  it('is what is stored while it is good for longer than a minute', async () => {
    const account = await connected(10 * MINUTE);
    const grant = await account.grantOf();
    expect(await grant.secret()).toEqual(account.first);
    expect(account.endpoint.asked).toEqual([]);
  });

  it.each([90_000, 0, -MINUTE])('is renewed when it is good for %d ms, and stored before it is used', async (life) => {
    const account = await connected(life);
    const grant = await account.grantOf();
    const secret = await grant.secret();
    expect(secret).toEqual(await account.stored());
    expect(secret['accessToken']).not.toBe(account.first['accessToken']);
    expect(Date.parse(secret['expiresAt'] ?? '') - Date.now()).toBeGreaterThan(MINUTE);
    expect(await grant.secret()).toEqual(secret);
    expect(account.endpoint.asked).toEqual([account.first['refreshToken']]);
  });

  it('is renewed without another look at the vault or at the claim, because who waits for a change waits for each', async () => {
    const account = await connected(0);
    let [looks, permits] = [0, 0];
    const counted: Partial<Vault> = {
      secretSeen: (...of) => {
        looks += 1;
        return keys.secretSeen(...of);
      },
    };
    const permit = () => {
      permits += 1;
      return Promise.resolve();
    };
    const grant = await account.grantOf(counted, { ...allowed(), permit });
    const secret = await grant.secret();
    expect(secret).toEqual(await account.stored());
    expect((await grant.renew(secret))['accessToken']).not.toBe(secret['accessToken']);
    expect([looks, permits, account.endpoint.asked.length]).toEqual([1, 2, 2]);
  });

  it('sync-rule 15: is renewed once for all who ask at once, in two processes', async () => {
    const account = await connected(0);
    const own = await openDatabase(stores.engines.databaseUrl('juy'), SILENT, 4);
    atEnd(() => own.close());
    const grants = await Promise.all([account.grantOf(), account.grantOf(vault(own, masterKey))]);
    const letGo = holding(account.endpoint);
    const asked = Promise.all([...grants, ...grants, ...grants].map((grant) => grant.secret()));
    await eventually('the vendor is asked', () => account.endpoint.asked.length > 0);
    await sleep(300);
    letGo();
    const tokens = new Set((await asked).map((secret) => secret['accessToken']));
    expect([...tokens]).toEqual([(await account.stored())['accessToken']]);
    expect(account.endpoint.asked).toHaveLength(1);
  });

  it('sync-rule 15: that the service refused is what another process has stored meanwhile, else renewed', async () => {
    const account = await connected(30 * MINUTE);
    const [one, other] = await Promise.all([account.grantOf(), account.grantOf()]);
    const seen = await one.secret();
    const renewed = await other.renew(seen);
    expect(await one.renew(seen)).toEqual(renewed);
    expect(account.endpoint.asked).toHaveLength(1);
    // A late refusal of a token that is history already.
    expect(await one.renew(seen)).toEqual(renewed);
    expect(account.endpoint.asked).toHaveLength(1);
    expect((await one.renew(renewed))['accessToken']).not.toBe(renewed['accessToken']);
    expect(account.endpoint.asked).toHaveLength(2);
  });

  it('is what its owner gave meanwhile, also when the vendor has refused the token from before', async () => {
    const account = await connected(0);
    const grant = await account.grantOf();
    const letGo = holding(account.endpoint);
    account.endpoint.troubles.push({ status: 400, error: 'invalid_grant' });
    const asked = grant.secret();
    await eventually('the vendor is asked', () => account.endpoint.asked.length > 0);
    const again = account.endpoint.connect(Date.now());
    await keys.replaceSecret(account.row.user_id, account.row.connection_id, again);
    letGo();
    expect(await asked).toEqual(again);
  });

  it('is not stored over what its owner gave while it was renewed', async () => {
    const account = await connected(0);
    const grant = await account.grantOf();
    const letGo = holding(account.endpoint);
    const asked = grant.secret();
    await eventually('the vendor is asked', () => account.endpoint.asked.length > 0);
    const again = account.endpoint.connect(Date.now());
    await keys.replaceSecret(account.row.user_id, account.row.connection_id, again);
    letGo();
    expect(await asked).toEqual(again);
    expect(await account.stored()).toEqual(again);
  });

  it('with tokens that live shorter than a minute is used while they live', async () => {
    const account = await connected(0);
    const grant = await account.grantOf({
      exchangeSecret: (userId, connectionId, version, secret, fence) =>
        keys.exchangeSecret(userId, connectionId, version, { ...secret, expiresAt: new Date(Date.now() + 30_000).toISOString() }, fence),
    });
    expect(await grant.secret()).toEqual(await grant.secret());
    expect(account.endpoint.asked).toHaveLength(1);
  });

  it('sync-rule 15: is stored when the database is back, with one request', async () => {
    const account = await connected(0, 'rotating');
    let tries = 0;
    const grant = await account.grantOf({
      exchangeSecret: (...exchange) =>
        (tries += 1) < 4 ? Promise.reject(new EngineAway('database', new Error('away'))) : keys.exchangeSecret(...exchange),
    });
    expect(await grant.secret()).toEqual(await account.stored());
    expect([tries, account.endpoint.asked.length]).toEqual([4, 1]);
  });

  it('is adopted when the database answered no more after it had stored it', async () => {
    const account = await connected(0, 'rotating');
    let isFirst = true;
    const grant = await account.grantOf({
      exchangeSecret: async (...exchange) => {
        const stored = await keys.exchangeSecret(...exchange);
        if (!isFirst) return stored;
        isFirst = false;
        throw new EngineAway('database', new Error('away'));
      },
    });
    expect(await grant.secret()).toEqual(await account.stored());
    expect(account.endpoint.asked).toHaveLength(1);
  });

  it('sync-rule 15: is renewed by the next when the process that renewed it died, and what the dead one stores late is refused', async () => {
    const account = await connected(0);
    const { user_id: userId, connection_id: connectionId } = account.row;
    const seen = await keys.secretSeen(userId, connectionId);
    const fence = await keys.beginRenewal(connectionId, seen.version);
    expect(await keys.beginRenewal(connectionId, seen.version)).toBeNull();
    await expireLease(account);
    const secret = await (await account.grantOf()).secret();
    const late = { ...account.first, accessToken: 'late' };
    expect(await keys.exchangeSecret(userId, connectionId, seen.version, late, fence)).toBeNull();
    expect(await account.stored()).toEqual(secret);
    expect(await isHeld(account)).toBe(false);
  });

  it('ends the renewal when the vendor fails, so that the next may try at once', async () => {
    const account = await connected(0);
    account.endpoint.troubles.push({ status: 503, error: 'unavailable' });
    const grant = await account.grantOf();
    await expect(grant.secret()).rejects.toMatchObject({ fault: 'unavailable' });
    expect(await isHeld(account)).toBe(false);
    account.endpoint.troubles.length = 0;
    expect(await grant.secret()).toEqual(await account.stored());
  });

  it('is not renewed for work that has lost its claim', async () => {
    const account = await connected(0);
    const superseded = new Error('superseded');
    const refused = await account.grantOf({}, { ...allowed(), permit: () => Promise.reject(superseded) });
    await expect(refused.secret()).rejects.toBe(superseded);
    const aborted = await account.grantOf({}, { ...allowed(), signal: AbortSignal.abort(superseded) });
    await expect(aborted.secret()).rejects.toBe(superseded);
    expect(account.endpoint.asked).toEqual([]);
    expect(await isHeld(account)).toBe(false);
  });

  it('is dead when its tokens are gone from the vault', async () => {
    const account = await connected(0);
    const grant = await account.grantOf();
    await stores.database.query('delete from vault where name = $1', [`secret:${account.row.connection_id}`]);
    await expect(grant.secret()).rejects.toMatchObject({ fault: 'access-revoked' });
  });
});

describe('A stored secret', () => {
  const secretOf = async () => {
    const [userId, connectionId] = [randomUUID(), randomUUID()];
    await keys.keep(userId, connectionId, { accessToken: 'first' });
    await keys.activate(connectionId);
    return { userId, connectionId, ...(await keys.secretSeen(userId, connectionId)) };
  };

  it('is exchanged only for the version that was seen', async () => {
    const { userId, connectionId, version } = await secretOf();
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'second' })).toEqual(expect.any(String));
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'third' })).toBeNull();
    expect(await keys.secret(userId, connectionId)).toEqual({ accessToken: 'second' });
    const { version: second } = await keys.secretSeen(userId, connectionId);
    await keys.replaceSecret(userId, connectionId, { accessToken: 'given' });
    expect(await keys.exchangeSecret(userId, connectionId, second, { accessToken: 'late' })).toBeNull();
    expect(await keys.secret(userId, connectionId)).toEqual({ accessToken: 'given' });
  });

  it('that was lost and given again is another version', async () => {
    const { userId, connectionId, version } = await secretOf();
    await stores.database.query('delete from vault where name = $1', [`secret:${connectionId}`]);
    await keys.replaceSecret(userId, connectionId, { accessToken: 'given' });
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'late' })).toBeNull();
    expect(await keys.secret(userId, connectionId)).toEqual({ accessToken: 'given' });
  });

  it('is exchanged by one of many who saw the same version', async () => {
    const { userId, connectionId, version } = await secretOf();
    const tries = Array.from({ length: 8 }, (_, index) => keys.exchangeSecret(userId, connectionId, version, { accessToken: `${index}` }));
    expect((await Promise.all(tries)).filter((each) => each !== null)).toEqual([(await keys.secretSeen(userId, connectionId)).version]);
  });

  it('is not exchanged under a fence that was taken over, although its version is the one that was seen', async () => {
    const { userId, connectionId, version } = await secretOf();
    const old = await keys.beginRenewal(connectionId, version);
    await stores.database.query('update grant_renewal set held_until = clock_timestamp() where connection_id = $1', [connectionId]);
    const fence = await eventually('it is taken over', () => keys.beginRenewal(connectionId, version));
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'late' }, old)).toBeNull();
    await keys.endRenewal(connectionId, old ?? '');
    expect(await keys.beginRenewal(connectionId, version)).toBeNull();
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'fresh' }, fence)).toEqual(expect.any(String));
    expect(await keys.exchangeSecret(userId, connectionId, version, { accessToken: 'again' }, fence)).toBeNull();
    expect(await keys.secret(userId, connectionId)).toEqual({ accessToken: 'fresh' });
  });

  it('is renewed by none who saw another version, also one that is being stored at that moment', async () => {
    const { userId, connectionId, version } = await secretOf();
    const next = await stores.database.transaction(async (sql) => {
      await sql.query('update vault set sealed = sealed where name = $1', [`secret:${connectionId}`]);
      const begun = keys.beginRenewal(connectionId, version);
      await eventually('it waits for what is stored', async () => {
        const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%grant_renewal%' and datname = current_database()`;
        return (await stores.database.query(waiting)).length > 0;
      });
      return [begun];
    });
    expect(await Promise.all(next)).toEqual([null]);
    const { version: stored } = await keys.secretSeen(userId, connectionId);
    expect(await keys.beginRenewal(connectionId, version)).toBeNull();
    expect(await keys.beginRenewal(connectionId, stored)).toEqual(expect.any(String));
  });

  it.each(['setSecretAside', 'destroyConnection'] as const)('leaves no renewal behind after %s, and none can begin', async (end) => {
    const { userId, connectionId, version } = await secretOf();
    await keys.beginRenewal(connectionId, version);
    await (end === 'setSecretAside' ? keys.setSecretAside(userId, connectionId) : keys.destroyConnection(connectionId));
    expect(await stores.database.query('select 1 from grant_renewal where connection_id = $1', [connectionId])).toEqual([]);
    expect(await keys.beginRenewal(connectionId, version)).toBeNull();
  });

  it('of an earlier version of this service is exchanged like any other', async () => {
    const { userId, connectionId } = await secretOf();
    await stores.database.query('create database earlier');
    const url = new URL(stores.engines.databaseUrl('juy'));
    url.pathname = '/earlier';
    const before = await new DataSource({
      type: 'postgres',
      url: url.href,
      migrations: [Schema1763800000000, Mend1764150000000],
    }).initialize();
    await before.runMigrations();
    for (const row of await stores.database.query<Readonly<Record<string, unknown>>>('select * from vault where user_id = $1', [userId]))
      await before.query('insert into vault (name, user_id, connection_id, sealed, wrapped_by, status) values ($1, $2, $3, $4, $5, $6)', [
        ...[row['name'], row['user_id'], row['connection_id'], row['sealed'], row['wrapped_by'], row['status']],
      ]);
    await before.destroy();
    const database = await openDatabase(url.href, SILENT, 4);
    atEnd(() => database.close());
    const earlier = vault(database, masterKey);
    const { secret, version } = await earlier.secretSeen(userId, connectionId);
    expect(secret).toEqual({ accessToken: 'first' });
    const fence = await earlier.beginRenewal(connectionId, version);
    expect(await earlier.exchangeSecret(userId, connectionId, version, { accessToken: 'second' }, fence)).toEqual(expect.any(String));
    expect(await earlier.exchangeSecret(userId, connectionId, version, { accessToken: 'third' })).toBeNull();
    expect(await earlier.secret(userId, connectionId)).toEqual({ accessToken: 'second' });
  });
});
