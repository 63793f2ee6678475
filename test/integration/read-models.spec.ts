import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { type Written } from '../../src/kernel/projection.js';
import { openStores, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

const checkpoint = async (position: bigint | null): Promise<string> => {
  const name = randomUUID();
  await stores.database.query('insert into checkpoint (name, position) values ($1, $2)', [name, position]);
  return name;
};
const reached = (names: readonly string[], position: bigint, milliseconds = 0): Promise<boolean> =>
  readModels(
    stores.database,
    names.map((name) => ({ name, families: [{ category: 'note' }] })),
  ).reached(names, { note: position }, milliseconds);

describe('What was written can be read', () => {
  it('once every read model has reached its position', async () => {
    const [one, other] = [await checkpoint(7n), await checkpoint(9n)];
    expect(await reached([one, other], 7n)).toBe(true);
    expect(await reached([other, one], 8n)).toBe(false);
    expect(await reached([other], 9n)).toBe(true);
  });

  it('not while a read model has not begun, or was never run', async () => {
    expect(await reached([await checkpoint(null)], 0n)).toBe(false);
    expect(await reached([randomUUID()], 0n)).toBe(false);
  });

  it('by those read models that follow what was written, each as far as it has to do with it', async () => {
    const [accounts, both, neither] = [await checkpoint(5n), await checkpoint(9n), await checkpoint(null)];
    const [account, calendar] = [{ category: 'connection' }, { category: 'calendar' }];
    const all = [
      { name: accounts, families: [account] },
      { name: both, families: [account, calendar] },
      { name: neither, families: [{ category: 'preference' }] },
    ];
    const shown = (written: Written) => readModels(stores.database, all).reached([accounts, both, neither], written, 0);
    expect(await shown({ connection: 5n, calendar: 9n })).toBe(true);
    expect(await shown({ connection: 6n, calendar: 9n })).toBe(false);
    expect(await shown({ connection: 5n, calendar: 10n })).toBe(false);
    expect(await shown({ connection: null })).toBe(true);
    expect(await shown({ preference: 1n })).toBe(false);
    expect(await shown({})).toBe(true);
  });

  it('as soon as the last of them gets there', async () => {
    const name = await checkpoint(1n);
    const waiting = reached([name], 2n, 20_000);
    await stores.database.query('update checkpoint set position = 2 where name = $1', [name]);
    expect(await waiting).toBe(true);
  });
});
