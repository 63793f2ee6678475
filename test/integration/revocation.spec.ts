import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { grantsOf } from '../../src/connection/account.grant.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { connection, type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { type ConnectionRuntime } from '../../src/connection/connection.runtime.js';
import { tendConnection } from '../../src/connection/connection.worker.js';
import { type AppleSandbox } from '../../src/embedded/apple.sandbox.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { handle } from '../../src/kernel/commands.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { KeyDestroyed, type Secret, type Vault } from '../../src/kernel/vault.js';
import { type CalendarProvider, ProviderFault } from '../../src/provider/calendar-provider.js';
import { connectedAccount, connectionRuntime } from '../support/account.js';
import { memoryAccount, NOW } from '../support/builders.js';
import { appleAt, appleProvider, signInAt, startTwoApplePeople } from '../support/apple.js';
import { allowed, nearHttp } from '../support/caldav.js';
import { testEndings } from '../support/opened.js';
import { type Running, startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, type Stores } from '../support/store.js';
import { due } from '../support/synced-calendar.js';
import { startTokenEndpoint, tokenProvider } from '../support/token-endpoint.js';

const MINUTE = 60_000;
const at = new Date(NOW).toISOString();
const WORK = { remoteId: '/work/', address: '/work/', name: 'Work', color: null, writable: true, busyOnly: false, timeZone: null };

const atEnd = testEndings();
let stores: Stores;
let keys: Vault;
let running: Running;
beforeAll(async () => {
  stores = await openStores();
  keys = vault(stores.database, randomBytes(32));
  running = startProjection(stores, due);
});
afterAll(async () => {
  await running.stop();
  await stores.stop();
});

type GiveBack = CalendarProvider['revoke'];
type Row = ConnectionRow & Readonly<{ epoch: string; due: string }>;

/** A connection with a calendar that was read, revoked a moment ago at a provider that takes its grant back as it is told here. */
const revoked = async (giveBack: GiveBack, failures = 0, secret?: Secret) => {
  const { userId, connectionId } = await connectedAccount(stores, keys, secret);
  let now = NOW;
  const secrets: Secret[] = [];
  const provider: CalendarProvider = {
    ...memoryAccount().provider,
    revoke: (secret, call) => {
      secrets.push(secret);
      return giveBack(secret, call);
    },
  };
  const services: ConnectionRuntime['providers'] = new Map([
    ['caldav', provider],
    ['google', provider],
    ['apple', provider],
  ]);
  const runtime = { ...connectionRuntime(stores, keys, provider, () => now), providers: services };
  await recordDiscovery(runtime, { connectionId, userId, provider: 'caldav', cause }, [WORK]);
  const calendarId = await eventually('its calendar is due', async () => {
    const rows = await stores.database.query<{ calendar_id: string }>('select calendar_id from sync_state where connection_id = $1', [
      connectionId,
    ]);
    return rows[0]?.calendar_id;
  });
  await stores.database.query(`insert into remote_object (calendar_id, ref, generation) values ($1, 'a', 1)`, [calendarId]);
  await stores.database.query('update connection_state set failures = $2 where connection_id = $1', [connectionId, failures]);
  const order = { id: connectionId, command: { type: 'Revoke', owner: null, at } as const, metadata: metadata(), ifMatch: null };
  await handle(stores.store, connection, connectionCodec, order);
  const row = async (): Promise<Row | undefined> => {
    const rows = await stores.database.query<Row>(
      `select *, due_at::text as due from connection_state where connection_id = $1 and task = 'revoke'`,
      [connectionId],
    );
    return rows[0];
  };
  await eventually('it is due to be wound up', row);
  /** One look of the worker, when the row is due; false when there is nothing left to do. */
  const tend = async (over: Partial<Vault> = {}, kind = 'caldav'): Promise<boolean> => {
    const found = await row();
    if (found === undefined) return false;
    now = Math.max(now, Date.parse(found.due));
    const lease: Lease = { epoch: BigInt(found.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
    await tendConnection({ ...runtime, vault: { ...keys, ...over } })({ ...found, provider: kind }, lease);
    return true;
  };
  const facts = async (): Promise<readonly ConnectionEvent[]> =>
    (await stores.store.load(`connection-${connectionId}`, connectionCodec)).slice(3);
  const left = async () => {
    const vaulted = await stores.database.query<{ name: string }>('select name from vault where connection_id = $1 order by name', [
      connectionId,
    ]);
    const objects = await stores.database.query('select 1 from remote_object where calendar_id = $1', [calendarId]);
    return { vault: vaulted.map(({ name }) => name.split(':')[0]), objects: objects.length };
  };
  return { userId, connectionId, secrets, tend, facts, left, elapsed: () => now - NOW, pass: (ms: number) => (now += ms) };
};

const away: GiveBack = () => Promise.reject(new ProviderFault('unavailable', 'away'));
const NOTHING = { vault: [], objects: 0 };

describe('A revoked connection whose provider takes the grant back', () => {
  it('keeps nothing, and says how the grant ended', async () => {
    const { tend, facts, left, secrets } = await revoked(() => Promise.resolve('revoked'));
    await tend();
    expect(await left()).toEqual(NOTHING);
    expect(secrets).toEqual([{ username: 'ada', password: 'secret' }]);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'revoked' }, { type: 'ConnectionPurged' }]);
  });
});

describe('A revoked connection to an account of which its service knows one grant', () => {
  it('leaves the grant to the connection that its owner has made meanwhile', async () => {
    const account = await revoked(away);
    await keys.noteGrant(account.connectionId, 'ada');
    await account.tend({}, 'google');
    const again = await connectedAccount(stores, keys);
    await keys.noteGrant(again.connectionId, 'ada');
    await account.tend({}, 'google');
    expect([account.secrets.length, await account.left()]).toEqual([1, NOTHING]);
    expect(await account.facts()).toMatchObject([{ type: 'GrantRevoked', how: 'shared' }, { type: 'ConnectionPurged' }]);
  });

  it('gives it back where other accounts alone are connected, or the other connection is revoked as well', async () => {
    const [account, other, ended] = [
      await revoked(() => Promise.resolve('revoked')),
      await connectedAccount(stores, keys),
      await connectedAccount(stores, keys),
    ];
    await keys.noteGrant(account.connectionId, 'bob');
    await keys.noteGrant(other.connectionId, 'eve');
    await keys.noteGrant(ended.connectionId, 'bob');
    await keys.setSecretAside(ended.userId, ended.connectionId);
    await account.tend({}, 'google');
    expect(await account.facts()).toMatchObject([{ type: 'GrantRevoked', how: 'revoked' }, { type: 'ConnectionPurged' }]);
  });
});

describe('A revoked connection whose tokens are being renewed', () => {
  const MUCH = 3_600_000;

  it.each(['lasting', 'rotating'] as const)('gives back the newest tokens, which the renewal brings (%s)', async (rotation) => {
    const endpoint = await startTokenEndpoint(rotation);
    atEnd(() => endpoint.stop());
    const account = await revoked(() => Promise.resolve('revoked'), 0, endpoint.connect(Date.now(), -MUCH));
    const providers = new Map([['caldav', tokenProvider(endpoint, () => Date.now())]]);
    const row = { connection_id: account.connectionId, user_id: account.userId, provider: 'caldav' };
    const grant = await grantsOf({ vault: keys, providers, clock: { now: () => Date.now() } })(row, allowed());
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    endpoint.hold.until = () => gate;
    const renewal = grant.secret();
    await eventually('the vendor is asked', () => endpoint.asked.length > 0);
    const tended = account.tend();
    await sleep(300);
    letGo();
    await Promise.all([tended, renewal.catch(() => undefined)]);
    const newest = endpoint.given.filter((token) => token.startsWith('refresh')).at(-1);
    expect(account.secrets.map(({ refreshToken }) => refreshToken)).toEqual([newest]);
    expect(await account.left()).toEqual(NOTHING);
  });

  it('does not wait for a process that died while it renewed', async () => {
    const account = await revoked(() => Promise.resolve('revoked'));
    const { version } = await keys.secretSeen(account.userId, account.connectionId);
    await keys.beginRenewal(account.connectionId, version);
    await stores.database.query('update grant_renewal set held_until = clock_timestamp()');
    await account.tend();
    expect([account.secrets.length, await account.left()]).toEqual([1, NOTHING]);
  });
});

describe('A revoked connection whose provider is away', () => {
  it('keeps the secret alone, under no key of its own, from the first moment', async () => {
    const { userId, connectionId, tend, left, facts } = await revoked(away);
    await tend();
    expect(await left()).toEqual({ vault: ['aside'], objects: 0 });
    await expect(keys.connection(userId, connectionId)).rejects.toBeInstanceOf(KeyDestroyed);
    expect(await facts()).toEqual([]);
  });

  it('is tried again and again for four minutes at most, and then keeps nothing', async () => {
    const { tend, left, facts, secrets, elapsed } = await revoked(away);
    while ((await left()).vault.length > 0 && elapsed() <= 5 * MINUTE) await tend();
    expect([await left(), elapsed() <= 4 * MINUTE, secrets.length > 4]).toEqual([NOTHING, true, true]);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'manual' }, { type: 'ConnectionPurged' }]);
  });

  it('gives the grant back when the provider answers again in time', async () => {
    let tries = 0;
    const { tend, left, facts } = await revoked(() =>
      (tries += 1) < 4 ? Promise.reject(new TypeError('broken')) : Promise.resolve('revoked'),
    );
    for (let time = 0; time < 4; time += 1) await tend();
    expect(await left()).toEqual(NOTHING);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'revoked' }, { type: 'ConnectionPurged' }]);
  });

  it('keeps nothing when it is looked at too late', async () => {
    const { tend, left, facts, secrets, pass } = await revoked(() => Promise.resolve('revoked'));
    pass(4 * MINUTE);
    await tend();
    expect([await left(), secrets]).toEqual([NOTHING, []]);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'manual' }, { type: 'ConnectionPurged' }]);
  });

  it('keeps nothing when the provider never answers, and does not hear that it is to end', async () => {
    const { tend, left, facts, pass } = await revoked(() => new Promise(() => undefined));
    pass(4 * MINUTE - 200);
    await tend();
    expect(await left()).toEqual(NOTHING);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'manual' }, { type: 'ConnectionPurged' }]);
  });

  it('loses its key at once, however often its account could not be read before', async () => {
    const { tend, left } = await revoked(away, 3);
    await tend();
    expect(await left()).toEqual({ vault: ['aside'], objects: 0 });
  });

  it('keeps nothing when its secret was missing before', async () => {
    const { connectionId, tend, left, facts } = await revoked(() => Promise.resolve('revoked'));
    await stores.database.query('delete from vault where name = $1', [`secret:${connectionId}`]);
    await tend();
    expect(await left()).toEqual(NOTHING);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'manual' }, { type: 'ConnectionPurged' }]);
  });
});

describe('A sign-in with Apple of a revoked connection', () => {
  let apple: AppleSandbox;
  let provider: CalendarProvider;
  const http = nearHttp({ retries: 0 });
  beforeAll(async () => {
    apple = await startTwoApplePeople();
    provider = appleProvider(http, appleAt(apple));
  });
  afterAll(async () => {
    await http.close();
    await apple.stop();
  });

  /** A connection of somebody who has signed in, revoked a moment ago. */
  const signedIn = async () => {
    const { identity, revoke } = provider;
    if (identity === null) throw new Error('people sign in with Apple');
    const begun = { redirectUri: 'http://localhost:3000/back', state: 'a'.repeat(64), verifier: 'b'.repeat(64), access: 'read' } as const;
    const { form } = await signInAt(identity.authorizationUrl({ ...begun, loginHint: null }));
    const { secret } = await identity.complete({ ...begun, parameters: form }, allowed());
    expect(apple.signedIn()).toHaveLength(1);
    return revoked(revoke, 0, { ...secret, username: 'alice', password: 'p' });
  };
  const DONE = [{ type: 'GrantRevoked', how: 'manual' }, { type: 'ConnectionPurged' }];

  it('is ended as soon as Apple answers again, and the password is left to its owner', async () => {
    const { tend, left, facts } = await signedIn();
    apple.switchOn({ fault: 'unavailable', on: 'revoke', times: 2 });
    for (let time = 0; time < 2; time += 1) await tend({}, 'apple');
    expect([apple.signedIn().length, await left(), await facts()]).toEqual([1, { vault: ['aside'], objects: 0 }, []]);
    await tend({}, 'apple');
    expect([apple.signedIn(), await left()]).toEqual([[], NOTHING]);
    expect(await facts()).toMatchObject(DONE);
  });

  it('is given up after four minutes while Apple refuses the client of this service, and nothing is kept', async () => {
    const { tend, left, facts, secrets, elapsed } = await signedIn();
    apple.switchOn({ fault: 'client-refused', on: 'revoke', times: null });
    while ((await left()).vault.length > 0 && elapsed() <= 5 * MINUTE) await tend({}, 'apple');
    expect([await left(), elapsed() <= 4 * MINUTE, secrets.length > 4]).toEqual([NOTHING, true, true]);
    expect(await facts()).toMatchObject(DONE);
  });
});

describe('A death while a connection is wound up', () => {
  const dies = () => Promise.reject(new Error('the process died here'));

  it.each(['setSecretAside', 'secretAside', 'destroyConnection'] as const)('at %s leaves the rest to another process', async (step) => {
    const { tend, left, facts } = await revoked(() => Promise.resolve('revoked'));
    await expect(tend({ [step]: dies })).rejects.toThrow('the process died here');
    await tend();
    expect(await left()).toEqual(NOTHING);
    expect(await facts()).toMatchObject([{ type: 'GrantRevoked', how: 'revoked' }, { type: 'ConnectionPurged' }]);
  });

  it('after the grant was given back does not give it back again', async () => {
    const { tend, secrets } = await revoked(() => Promise.resolve('revoked'));
    await expect(tend({ destroyConnection: dies })).rejects.toThrow();
    await tend();
    expect(secrets).toHaveLength(1);
  });
});
