import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
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
  readModels(stores.database).reached(names, position, milliseconds);

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

  it('as soon as the last of them gets there', async () => {
    const name = await checkpoint(1n);
    const waiting = reached([name], 2n, 20_000);
    await stores.database.query('update checkpoint set position = 2 where name = $1', [name]);
    expect(await waiting).toBe(true);
  });
});
