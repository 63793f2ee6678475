import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { KeyDestroyed, type Vault } from '../../src/kernel/vault.js';
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
