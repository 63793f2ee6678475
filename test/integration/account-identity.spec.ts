import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { ConnectCalendarHandler } from '../../src/connection/connect.handler.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { accountMarks } from '../../src/connection/account.proof.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { ConnectCalendar, Reconnect, Revoke } from '../../src/connection/connection.commands.js';
import { keyGoneReporter, tendConnection } from '../../src/connection/connection.worker.js';
import { connections } from '../../src/connection/connections.projection.js';
import { ReconnectHandler } from '../../src/connection/reconnect.handler.js';
import { RevokeHandler } from '../../src/connection/revoke.handler.js';
import { type ConnectionRuntime } from '../../src/connection/connection.runtime.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { type Vault } from '../../src/kernel/vault.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { connectionRuntime, linked } from '../support/account.js';
import { allowed, nearHttp, nearProvider } from '../support/caldav.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Running, startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, type Stores } from '../support/store.js';

const http = nearHttp();
const provider = nearProvider(http);
const OTHER = { name: 'bob', password: 'secret of bob' };
const LEASE: Lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };

const opened = suiteResources();
let stores: Stores;
let radicale: Radicale;
let keys: Vault;
let runtime: ConnectionRuntime;
let running: Running;
beforeAll(async () => {
  stores = await opened(openStores());
  radicale = await opened(startRadicale([{ name: 'alice', password: 'secret of alice' }, OTHER]));
  keys = vault(stores.database, randomBytes(32));
  runtime = connectionRuntime(stores, keys, provider, () => Date.now());
  running = startProjection(stores, connections);
  await radicale.makeCalendar('work', {}, 'alice');
  await radicale.makeCalendar('home', {}, OTHER.name);
});
afterAll(async () => {
  await running.stop();
  await http.close();
});

const actor = (userId: string) => ({ userId, roles: ['user'], teams: [] }) as const;

const connecting = () => new ConnectCalendarHandler(runtime);
const reconnecting = () => {
  const { store, vault: kept, providers, clock } = runtime;
  return new ReconnectHandler(store, kept, providers, clock, keyGoneReporter(runtime));
};
const revoking = () => {
  const { store, database, vault: kept, clock, entropy } = runtime;
  return new RevokeHandler(store, database, kept, clock, entropy);
};

const connect = async (userId: string, serverUrl: string, { name, password } = { name: radicale.user, password: radicale.password }) => {
  const request = { provider: 'caldav', consent: true, access: 'read', credentials: { username: name, password, serverUrl } } as const;
  return (await connecting().execute(new ConnectCalendar(actor(userId), request, cause, randomUUID()))).connectionId;
};

const reconnect = (
  userId: string,
  id: string,
  serverUrl: string,
  { name, password } = { name: radicale.user, password: radicale.password },
) => reconnecting().execute(new Reconnect(actor(userId), id, { username: name, password, serverUrl }, cause, randomUUID()));

const factsOf = async (connectionId: string) => await stores.store.load(`connection-${connectionId}`, connectionCodec);

/** One server, spelled in the ways people do. */
const spellings = (): readonly string[] => {
  const { host } = new URL(radicale.url);
  return [
    `http://${host}`,
    `HTTP://${host.toUpperCase()}/`,
    `http://${host}/alice/`,
    `http://${host}/.well-known/caldav`,
    `http://${host}/%61lice`,
  ];
};

/** A connection as it was made when accounts went by what was typed. */
const connectedBefore = async (userId: string, serverUrl: string): Promise<string> => {
  const connectionId = randomUUID();
  const secret = { username: radicale.user, password: radicale.password, serverUrl };
  await keys.keep(userId, connectionId, secret);
  await keys.activate(connectionId);
  const { typed } = await accountMarks(keys, userId, 'caldav', secret, { accountId: '', accountName: radicale.user });
  await stores.store.append(`connection-${connectionId}`, -1n, [linked(userId, typed)], connectionCodec, metadata());
  const { calendars } = await provider.discover(fixedGrant(secret), allowed());
  await recordDiscovery(runtime, { connectionId, userId, provider: 'caldav', cause }, calendars);
  return connectionId;
};

/** The daily look at an account. */
const discoverDaily = (userId: string, connectionId: string): Promise<void> =>
  tendConnection(runtime)({ connection_id: connectionId, user_id: userId, provider: 'caldav', task: 'discover', failures: 0 }, LEASE);

describe('An account', () => {
  it('is the same however its server is spelled', async () => {
    const userId = randomUUID();
    const [first = '', ...others] = spellings();
    const connectionId = await connect(userId, first);
    for (const spelling of others)
      await expect(connect(userId, spelling)).rejects.toMatchObject({
        code: 'connection.exists',
        status: 409,
        detail: expect.stringContaining(connectionId),
      });
  });

  it('is connected once by requests that come at once', async () => {
    const userId = randomUUID();
    const outcomes = await Promise.allSettled(spellings().map((spelling) => connect(userId, spelling)));
    const connected = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(connected).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'connection.exists', detail: expect.stringContaining(connected[0] ?? '') });
  });

  it('is another for another user of the same server, and for another person', async () => {
    const userId = randomUUID();
    const ids = [
      await connect(userId, radicale.url),
      await connect(userId, radicale.url, OTHER),
      await connect(randomUUID(), radicale.url),
    ];
    expect(new Set(ids).size).toBe(3);
  });

  it('is reconnected in any spelling, and never with another account', async () => {
    const userId = randomUUID();
    const [first = '', ...others] = spellings();
    const connectionId = await connect(userId, first);
    for (const spelling of others) await reconnect(userId, connectionId, spelling);
    expect((await factsOf(connectionId)).filter(({ type }) => type === 'ConnectionReauthorized')).toHaveLength(others.length);
    await expect(reconnect(userId, connectionId, first, OTHER)).rejects.toMatchObject({ code: 'connection.other-account' });
    expect((await keys.secret(userId, connectionId))['username']).toBe('alice');
  });

  it('does not exist for another person, with any credentials and any condition', async () => {
    const connectionId = await connect(randomUUID(), radicale.url);
    const eve = randomUUID();
    for (const ifMatch of [null, 0n, 99n])
      await expect(revoking().execute(new Revoke(actor(eve), connectionId, ifMatch, cause))).rejects.toMatchObject({
        code: 'connection.unknown',
      });
    await expect(reconnect(eve, connectionId, radicale.url)).rejects.toMatchObject({ code: 'connection.unknown' });
    expect((await factsOf(connectionId)).map(({ type }) => type)).not.toContain('ConnectionRevoked');
  });

  it('may be connected again as soon as its connection was revoked', async () => {
    const userId = randomUUID();
    const connectionId = await connect(userId, radicale.url);
    await revoking().execute(new Revoke(actor(userId), connectionId, null, cause));
    expect(await connect(userId, radicale.url)).not.toBe(connectionId);
  });

  it('may be connected though a request that died on the way holds it, or a revoked connection whose revoker died', async () => {
    const [userId, dead] = [randomUUID(), randomUUID()];
    const secret = { username: radicale.user, password: radicale.password, serverUrl: radicale.url };
    const { proved } = await accountMarks(keys, userId, 'caldav', secret, await provider.discover(fixedGrant(secret), allowed()));
    await keys.keep(userId, dead, secret, proved);
    await expect(connect(userId, radicale.url)).rejects.toMatchObject({ code: 'connection.exists' });
    await stores.database.query(`update vault set created_at = created_at - interval '2 minutes' where connection_id = $1`, [dead]);
    const connectionId = await connect(userId, radicale.url);
    const at = new Date().toISOString();
    const revoked = { type: 'ConnectionRevoked', userId, provider: 'caldav', at } as const;
    await stores.store.append(`connection-${connectionId}`, null, [revoked], connectionCodec, metadata());
    expect(await connect(userId, radicale.url)).not.toBe(connectionId);
  });
});

describe('A connection that was made when accounts went by what was typed', () => {
  it('takes its account in another spelling, once, and goes by the proof from then on', async () => {
    const userId = randomUUID();
    const [first = '', second = '', third = ''] = spellings();
    const connectionId = await connectedBefore(userId, first);
    await expect(reconnect(userId, connectionId, first, OTHER)).rejects.toMatchObject({ code: 'connection.other-account' });
    await reconnect(userId, connectionId, second);
    expect((await factsOf(connectionId)).at(-1)).toMatchObject({
      type: 'ConnectionReauthorized',
      account: await keys.accountOf(connectionId),
    });
    await reconnect(userId, connectionId, third);
    await expect(connect(userId, third)).rejects.toMatchObject({ code: 'connection.exists' });
  });

  it('takes its proof at the next daily discovery, in one fact', async () => {
    const userId = randomUUID();
    const [first = '', second = ''] = spellings();
    const connectionId = await connectedBefore(userId, first);
    for (let day = 0; day < 3; day += 1) await discoverDaily(userId, connectionId);
    const account = await keys.accountOf(connectionId);
    expect((await factsOf(connectionId)).filter(({ type }) => type === 'ConnectionReauthorized')).toMatchObject([{ account }]);
    await expect(connect(userId, second)).rejects.toMatchObject({ code: 'connection.exists' });
    await eventually('the read model has it', async () => {
      const rows = await stores.database.query('select 1 from connections where connection_id = $1 and account = $2', [
        connectionId,
        account,
      ]);
      return rows.length === 1;
    });
  });

  it('is not connected twice before either, as it was typed', async () => {
    const userId = randomUUID();
    const connectionId = await connectedBefore(userId, radicale.url);
    await eventually('the read model has it', async () => {
      const rows = await stores.database.query('select 1 from connections where connection_id = $1', [connectionId]);
      return rows.length === 1;
    });
    await expect(connect(userId, radicale.url)).rejects.toMatchObject({ code: 'connection.exists' });
  });

  it('goes on beside another of the same account', async () => {
    const userId = randomUUID();
    const [first = '', second = ''] = spellings();
    const [one, two] = [await connectedBefore(userId, first), await connectedBefore(userId, second)];
    for (const id of [one, two, one, two]) await discoverDaily(userId, id);
    expect([await keys.accountOf(two), (await factsOf(two)).map(({ type }) => type)]).toEqual([
      null,
      ['CalendarConnected', 'CalendarsDiscovered'],
    ]);
    await expect(reconnect(userId, two, second)).rejects.toMatchObject({
      code: 'connection.exists',
      detail: expect.stringContaining(one),
    });
  });
});

describe('A person', () => {
  const holding = async (userId: string, count: number): Promise<readonly string[]> => {
    const ids = Array.from({ length: count }, () => randomUUID());
    for (const id of ids) {
      await keys.keep(userId, id, { username: 'a', password: 'b' });
      await keys.activate(id);
    }
    return ids;
  };

  it('has 20 accounts connected at the most, and another one after revoking one', async () => {
    const userId = randomUUID();
    const [first = ''] = await holding(userId, 20);
    await expect(connect(userId, radicale.url)).rejects.toMatchObject({ code: 'connection.too-many', status: 409 });
    expect((await keys.connections(userId)).size).toBe(20);
    await keys.destroyConnection(first);
    await connect(userId, radicale.url);
    expect((await keys.connections(userId)).size).toBe(20);
  });

  it('has no more by asking for several at a time', async () => {
    const userId = randomUUID();
    await holding(userId, 19);
    const both = await Promise.allSettled([connect(userId, radicale.url), connect(userId, radicale.url, OTHER)]);
    expect((await keys.connections(userId)).size).toBeLessThanOrEqual(20);
    const refused = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as { code: string }] : []));
    expect(refused.every(({ code }) => code === 'connection.too-many')).toBe(true);
    expect(refused.length).toBeGreaterThan(0);
  });
});
