import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { AccountTaken, KeyDestroyed, SecretMissing, type Vault } from '../../src/kernel/vault.js';
import { openStores, type Stores } from '../support/store.js';

const SECRET = { username: 'ada', password: 'correct horse battery staple' };
const masterKey = randomBytes(32);

let stores: Stores;
let keys: Vault;
beforeAll(async () => {
  stores = await openStores();
  keys = vault(stores.database, masterKey);
});
afterAll(() => stores.stop());

/** A person, with a connection whose secret is kept and active. */
const connected = async (userId: string = randomUUID()) => {
  const connectionId = randomUUID();
  await keys.keep(userId, connectionId, SECRET);
  await keys.activate(connectionId);
  return { userId, connectionId };
};

const flipped = (sealed: string, at: number): string => {
  const bytes = Buffer.from(sealed, 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64');
};

describe('What is sealed', () => {
  it('opens under the same key and name, in any process that has the master key', async () => {
    const { userId, connectionId } = await connected();
    const sealed = (await keys.connection(userId, connectionId)).seal('object:1', 'Lunch 🥗');
    expect((await vault(stores.database, masterKey).connection(userId, connectionId)).open('object:1', sealed)).toBe('Lunch 🥗');
    const own = (await keys.subject(userId)).seal('account', 'ada@example.org');
    expect((await keys.subject(userId)).open('account', own)).toBe('ada@example.org');
  });

  it('opens with all the keys of a person at once, and without those that were destroyed', async () => {
    const [first, stranger] = [await connected(), await connected()];
    const [second, gone] = [await connected(first.userId), await connected(first.userId)];
    const sealed = (await keys.connection(first.userId, second.connectionId)).seal('object:1', 'Lunch');
    await keys.destroyConnection(gone.connectionId);
    const all = await keys.connections(first.userId);
    expect([...all.keys()].sort()).toEqual([first.connectionId, second.connectionId].sort());
    expect(all.get(second.connectionId)?.open('object:1', sealed)).toBe('Lunch');
    expect(all.has(stranger.connectionId)).toBe(false);
    expect((await keys.connections(randomUUID())).size).toBe(0);
  });

  /** A vault of the same keys, and what it asks of the database. */
  const watched = (): Readonly<{ keys: Vault; asked: string[] }> => {
    const asked: string[] = [];
    const query: typeof stores.database.query = (text, values) => {
      asked.push(text);
      return stores.database.query(text, values);
    };
    return { keys: vault({ ...stores.database, query }, masterKey), asked };
  };

  it('opens an account in one statement, with which each reading begins', async () => {
    const { userId, connectionId } = await connected();
    const { keys: own, asked } = watched();
    expect((await own.secretSeen(userId, connectionId)).secret).toEqual(SECRET);
    expect(asked).toHaveLength(1);
  });

  it('is marked for all people by the key of the service, for which a process asks once', async () => {
    const mark = (await keys.serviceMarker())('account', 'ada');
    const { keys: own, asked } = watched();
    expect([(await own.serviceMarker())('account', 'ada'), (await own.serviceMarker())('account', 'ada')]).toEqual([mark, mark]);
    expect(asked).toHaveLength(1);
  });

  it('is marked by the key of the service again after a moment without a database', async () => {
    const mark = (await keys.serviceMarker())('account', 'ada');
    let isAway = true;
    const query: typeof stores.database.query = (text, values) =>
      isAway ? Promise.reject(new Error('away')) : stores.database.query(text, values);
    const own = vault({ ...stores.database, query }, masterKey);
    await expect(own.serviceMarker()).rejects.toThrow('away');
    isAway = false;
    expect((await own.serviceMarker())('account', 'ada')).toBe(mark);
  });

  it('has a key that is made with the first thing of a person that is sealed, in two statements', async () => {
    const { keys: own, asked } = watched();
    const userId = randomUUID();
    const sealed = (await own.subject(userId)).seal('account', 'ada@example.org');
    expect(asked).toHaveLength(2);
    expect((await keys.subject(userId)).open('account', sealed)).toBe('ada@example.org');
  });

  it('has other bytes each time, and the clear text is not among them', async () => {
    const sealer = await keys.subject(randomUUID());
    const sealed = Array.from({ length: 3 }, () => sealer.seal('object:1', 'Lunch with Grace'));
    expect(new Set(sealed).size).toBe(3);
    expect(sealed.map((each) => Buffer.from(each, 'base64').toString()).join()).not.toContain('Lunch');
  });

  it('does not open when a single bit has changed, wherever it is', async () => {
    const sealer = await keys.subject(randomUUID());
    const sealed = sealer.seal('object:1', 'Lunch');
    for (let at = 0; at < Buffer.from(sealed, 'base64').length; at += 1)
      expect(() => sealer.open('object:1', flipped(sealed, at))).toThrow();
    for (const cut of ['', sealed.slice(0, 20)]) expect(() => sealer.open('object:1', cut)).toThrow();
  });

  it('does not open for another object, another person, another connection or another master key', async () => {
    const { userId, connectionId } = await connected();
    const other = await connected(userId);
    const sealed = (await keys.connection(userId, connectionId)).seal('object:1', 'Lunch');
    const own = await keys.connection(userId, connectionId);
    expect(() => own.open('object:2', sealed)).toThrow();
    const others = [await keys.connection(userId, other.connectionId), await keys.subject(userId), await keys.subject(randomUUID())];
    for (const each of others) expect(() => each.open('object:1', sealed)).toThrow();
    await expect(vault(stores.database, randomBytes(32)).subject(userId)).rejects.toThrow();
  });

  it('does not open when its key was moved to another row', async () => {
    const [mine, yours] = [await connected(), await connected()];
    await stores.database.query(
      `update vault set sealed = (select sealed from vault where name = 'connection:' || $2) where name = 'connection:' || $1`,
      [mine.connectionId, yours.connectionId],
    );
    await expect(keys.connection(mine.userId, mine.connectionId)).rejects.toThrow();
    await expect(keys.connection(yours.userId, mine.connectionId)).rejects.toThrow();
  });
});

describe('A mark', () => {
  it('is the same for the same thing of one person, and tells purposes and persons apart', async () => {
    const [ada, eve] = [randomUUID(), randomUUID()];
    const mark = await keys.marker(ada);
    const again = await vault(stores.database, masterKey).marker(ada);
    expect(mark('copy', 'uid-1')).toBe(again('copy', 'uid-1'));
    const others = [mark('copy', 'uid-2'), mark('object', 'uid-1'), (await keys.marker(eve))('copy', 'uid-1')];
    expect(others).not.toContain(mark('copy', 'uid-1'));
    expect(mark('copy', 'uid-1')).toMatch(/^[\w-]{22}$/);
  });
});

describe('The secret of a connection', () => {
  it('is given back to who knows whose it is', async () => {
    const { userId, connectionId } = await connected();
    expect(await keys.secret(userId, connectionId)).toEqual(SECRET);
    await expect(keys.secret(randomUUID(), connectionId)).rejects.toThrow();
  });

  it('is replaced without touching what was sealed under its connection', async () => {
    const { userId, connectionId } = await connected();
    const sealed = (await keys.connection(userId, connectionId)).seal('object:1', 'Lunch');
    await keys.replaceSecret(userId, connectionId, { ...SECRET, password: 'a new one' });
    expect(await keys.secret(userId, connectionId)).toMatchObject({ password: 'a new one' });
    expect((await keys.connection(userId, connectionId)).open('object:1', sealed)).toBe('Lunch');
  });

  it('is gone for good with its key, as often as it is destroyed, and nothing else is', async () => {
    const { userId, connectionId } = await connected();
    const other = await connected(userId);
    for (let time = 0; time < 2; time += 1) await keys.destroyConnection(connectionId);
    const attempts = [
      keys.connection(userId, connectionId),
      keys.secret(userId, connectionId),
      keys.replaceSecret(userId, connectionId, SECRET),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toBeInstanceOf(KeyDestroyed);
    expect(await keys.secret(userId, other.connectionId)).toEqual(SECRET);
    await expect(keys.subject(userId)).resolves.toBeDefined();
  });

  it('that was never made active is found after a while, and no other', async () => {
    const userId = randomUUID();
    const [pending, active] = [randomUUID(), randomUUID()];
    for (const id of [pending, active]) await keys.keep(userId, id, SECRET);
    await keys.activate(active);
    expect(await keys.pendingSince('2020-01-01T00:00:00.000Z')).toEqual([]);
    expect(await keys.pendingSince('2100-01-01T00:00:00.000Z')).toEqual([pending]);
  });
});

describe('A key that was destroyed', () => {
  const withoutRow = (name: string) => stores.database.query('delete from vault where name = $1', [name]);

  it('of a person is never made again, by any call, and by many at once', async () => {
    const { userId, connectionId } = await connected();
    await withoutRow(`subject:${userId}`);
    const attempts = [
      () => keys.subject(userId),
      () => keys.marker(userId),
      () => keys.keep(userId, randomUUID(), SECRET),
      () => keys.connection(userId, connectionId),
      () => keys.secret(userId, connectionId),
    ];
    for (let time = 0; time < 2; time += 1)
      await Promise.all(attempts.map((attempt) => expect(attempt()).rejects.toBeInstanceOf(KeyDestroyed)));
    expect((await keys.connections(userId)).size).toBe(0);
    // Not even by who looked before it was destroyed, and stores after.
    await withoutRow(`subject:${userId}`);
    await expect(keys.subject(userId)).rejects.toBeInstanceOf(KeyDestroyed);
  });

  it('of a person is not made again by those who ask while it is destroyed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const userId = randomUUID();
      await keys.subject(userId);
      await Promise.allSettled([withoutRow(`subject:${userId}`), ...Array.from({ length: 6 }, () => keys.subject(userId))]);
      await expect(keys.subject(userId)).rejects.toBeInstanceOf(KeyDestroyed);
    }
  });

  it('of a connection is not made again for another secret', async () => {
    const { userId, connectionId } = await connected();
    await keys.destroyConnection(connectionId);
    await expect(keys.keep(userId, connectionId, SECRET)).rejects.toBeInstanceOf(KeyDestroyed);
    await expect(keys.connection(userId, connectionId)).rejects.toBeInstanceOf(KeyDestroyed);
    expect(await stores.database.query('select 1 from vault where connection_id = $1', [connectionId])).toEqual([]);
  });

  it('leaves nothing when it never came to be', async () => {
    const [userId, connectionId] = [randomUUID(), randomUUID()];
    await keys.keep(userId, connectionId, SECRET);
    await keys.destroyConnection(connectionId);
    await keys.keep(userId, connectionId, SECRET);
    expect(await keys.secret(userId, connectionId)).toEqual(SECRET);
  });
});

describe('An account', () => {
  it('belongs to one connection of a person, of those that ask for it at once', async () => {
    const userId = randomUUID();
    const ids = Array.from({ length: 6 }, () => randomUUID());
    const outcomes = await Promise.allSettled(ids.map((id) => keys.keep(userId, id, SECRET, 'account')));
    const [winner, ...others] = ids.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    expect([others, await keys.accountOf(winner ?? '')]).toEqual([[], 'account']);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(new AccountTaken(winner ?? ''));
    const rows = await stores.database.query('select 1 from vault where user_id = $1 and connection_id <> $2', [userId, winner]);
    expect(rows).toEqual([]);
  });

  it('may be kept again by the request that kept it', async () => {
    const [userId, connectionId] = [randomUUID(), randomUUID()];
    for (let time = 0; time < 2; time += 1) await keys.keep(userId, connectionId, SECRET, 'account');
    expect(await keys.accountOf(connectionId)).toBe('account');
  });

  it('is free for another connection when it was released, or its key destroyed', async () => {
    const userId = randomUUID();
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await keys.keep(userId, first, SECRET, 'account');
    await keys.activate(first);
    await keys.keep(userId, second, SECRET);
    await expect(keys.holdAccount(userId, second, 'account')).rejects.toEqual(new AccountTaken(first));
    await keys.setSecretAside(userId, first);
    await keys.holdAccount(userId, second, 'account');
    await keys.releaseAccount(second);
    await keys.keep(userId, third, SECRET, 'account');
    expect([await keys.accountOf(first), await keys.accountOf(second), await keys.accountOf(third)]).toEqual([null, null, 'account']);
  });

  it('of one person is no account of another', async () => {
    for (const userId of [randomUUID(), randomUUID()]) await keys.keep(userId, randomUUID(), SECRET, 'account');
  });
});

describe('The secret of a revoked connection', () => {
  it('stays alone, and the key of its connection opens nothing', async () => {
    const { userId, connectionId } = await connected();
    const before = await stores.database.query<{ sealed: Buffer }>('select sealed from vault where connection_id = $1', [connectionId]);
    for (let time = 0; time < 2; time += 1) await keys.setSecretAside(userId, connectionId);
    expect(await keys.secretAside(userId, connectionId)).toEqual(SECRET);
    await expect(keys.connection(userId, connectionId)).rejects.toBeInstanceOf(KeyDestroyed);
    await expect(keys.secret(userId, connectionId)).rejects.toBeInstanceOf(KeyDestroyed);
    const left = await stores.database.query<{ sealed: Buffer }>('select sealed from vault where connection_id = $1', [connectionId]);
    expect(left).toHaveLength(1);
    expect(before.some(({ sealed }) => left[0]?.sealed.equals(sealed))).toBe(false);
    await keys.destroyConnection(connectionId);
    expect(await keys.secretAside(userId, connectionId)).toBeNull();
  });

  it('is not set aside when it is missing', async () => {
    const { userId, connectionId } = await connected();
    await stores.database.query('delete from vault where name = $1', [`secret:${connectionId}`]);
    await keys.setSecretAside(userId, connectionId);
    expect(await keys.secretAside(userId, connectionId)).toBeNull();
  });
});

describe('The secret that is missing beside its key', () => {
  it('is told from a destroyed key, and may be given again', async () => {
    const { userId, connectionId } = await connected();
    await stores.database.query('delete from vault where name = $1', [`secret:${connectionId}`]);
    await expect(keys.secret(userId, connectionId)).rejects.toBeInstanceOf(SecretMissing);
    await keys.replaceSecret(userId, connectionId, { password: 'new' });
    expect(await keys.secret(userId, connectionId)).toEqual({ password: 'new' });
  });
});

describe('The vault', () => {
  it('makes one key for a person, however many ask for it first at once', async () => {
    const userId = randomUUID();
    const sealers = await Promise.all(Array.from({ length: 12 }, () => keys.subject(userId)));
    const sealed = sealers.map((sealer) => sealer.seal('object:1', 'Lunch'));
    expect(sealed.map((each) => sealers[0]?.open('object:1', each))).toEqual(sealers.map(() => 'Lunch'));
  });

  it('holds neither a secret nor a key in clear', async () => {
    await connected();
    const rows = await stores.database.query<{ sealed: Buffer }>('select sealed from vault');
    expect(rows.length).toBeGreaterThan(0);
    const bytes = Buffer.concat(rows.map(({ sealed }) => sealed));
    for (const clear of [SECRET.username, SECRET.password, 'password']) expect(bytes.includes(`"${clear}"`)).toBe(false);
    expect(bytes.includes(SECRET.password)).toBe(false);
    expect(bytes.includes(masterKey)).toBe(false);
  });
});
