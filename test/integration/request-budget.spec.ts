import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { budgetCleanUp, requestBudget } from '../../src/infra/postgres/request-budget.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Lane, type Spend } from '../../src/provider/budget.js';
import { suiteResources } from '../support/opened.js';
import { openStores, type Stores } from '../support/store.js';

const opened = suiteResources();
const masterKey = randomBytes(32);
let stores: Stores;
beforeAll(async () => {
  stores = await opened(openStores());
});

/** The budgets as another process knows them. */
const process = (): Spend => requestBudget(stores.database, vault(stores.database, masterKey).serviceMarker);

const account = (aMinute = 240): Lane => ({ account: `https://dav.example ${randomUUID()}`, aMinute });

/** Milliseconds after which a budget is full again, of each there is. */
const standing = async (): Promise<readonly number[]> =>
  (
    await stores.database.query<{ ahead: string }>(
      'select extract(epoch from spent_until - clock_timestamp()) * 1000 as ahead from request_budget',
    )
  ).map(({ ahead }) => Number(ahead));

/** Makes requests as fast as may be until one has to wait; answers how many it made. */
const useUp = async (spend: Spend, lane: Lane): Promise<number> => {
  for (let made = 0; ; made += 1) if ((await spend(lane)) > 0) return made;
};

describe('The budgets of requests', () => {
  it('are one for each account and not for each process, so that many processes together keep to it', async () => {
    const lane = account();
    const began = performance.now();
    const made = await Promise.all(Array.from({ length: 5 }, () => useUp(process(), lane)));
    const total = made.reduce((sum, each) => sum + each, 0);
    const cameBack = Math.ceil((performance.now() - began) / 500);
    expect(total).toBeGreaterThanOrEqual(120);
    expect(total).toBeLessThanOrEqual(120 + cameBack);
    expect(Math.max(...(await standing()))).toBeLessThanOrEqual(60_000);
  });

  it('that are used up let every other account go on', async () => {
    const [spend, used, other] = [process(), account(), account()];
    await useUp(spend, used);
    expect(await spend(used)).toBeGreaterThan(0);
    expect(await spend(used)).toBeLessThanOrEqual(500);
    expect(await spend(other)).toBe(0);
  });

  it('name no account, and the same account alike in every process', async () => {
    const lane = account();
    const before = (await standing()).length;
    for (const spend of [process(), process()]) await spend(lane);
    const rows = await stores.database.query<{ row: string }>('select request_budget::text as row from request_budget');
    expect(rows).toHaveLength(before + 1);
    expect(rows.filter(({ row }) => row.includes('dav.example') || row.includes(lane.account.slice(-36)))).toEqual([]);
  });

  it('are forgotten when nothing was asked of their accounts for a while', async () => {
    await process()(account());
    const cleanUp = budgetCleanUp(stores.database);
    const lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };
    const kept = (await standing()).length;
    expect(await cleanUp.remove(Date.now(), lease)).toBe(0);
    expect(await cleanUp.remove(Date.now() + 3 * 3_600_000, lease)).toBe(kept);
    expect(await standing()).toEqual([]);
  });
});
