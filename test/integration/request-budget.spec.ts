import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { budgetCleanUp, requestBudget } from '../../src/infra/postgres/request-budget.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Sql } from '../../src/kernel/sql.js';
import { type Budget, type Lane, type NarrowLane, type Place, type Spend } from '../../src/provider/budget.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { allowed, nearHttp, scanAll } from '../support/caldav.js';
import { microsoftAccount } from '../support/microsoft-account.js';
import { suiteResources } from '../support/opened.js';
import { entry } from '../support/provided-account.js';
import { eventually, openStores, type Stores } from '../support/store.js';

const opened = suiteResources();
const masterKey = randomBytes(32);
let stores: Stores;
beforeAll(async () => {
  stores = await opened(openStores());
});

/** The budgets as another process knows them. */
const process = (): Budget => requestBudget(stores.database, vault(stores.database, masterKey).serviceMarker);

const account = (aMinute = 240): Lane => ({ account: `https://dav.example ${randomUUID()}`, aMinute, atOnce: null });

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
    const made = await Promise.all(Array.from({ length: 5 }, () => useUp(process().spend, lane)));
    const total = made.reduce((sum, each) => sum + each, 0);
    const cameBack = Math.ceil((performance.now() - began) / 500);
    expect(total).toBeGreaterThanOrEqual(120);
    expect(total).toBeLessThanOrEqual(120 + cameBack);
    expect(Math.max(...(await standing()))).toBeLessThanOrEqual(60_000);
  });

  it('that are used up let every other account go on', async () => {
    const [{ spend }, used, other] = [process(), account(), account()];
    await useUp(spend, used);
    expect(await spend(used)).toBeGreaterThan(0);
    expect(await spend(used)).toBeLessThanOrEqual(500);
    expect(await spend(other)).toBe(0);
  });

  it('cost one statement while they are not used up, because every request waits for it', async () => {
    const lane = account(4);
    let statements = 0;
    const counted: Sql = {
      query: (...of) => {
        statements += 1;
        return stores.database.query(...of);
      },
    };
    const { spend } = requestBudget(counted, vault(stores.database, masterKey).serviceMarker);
    expect([await spend(lane), await spend(lane), statements]).toEqual([0, 0, 2]);
    expect(await spend(lane)).toBeGreaterThan(29_000);
  });

  it('of accounts that were spent long before, or before the clock was set back, are whole', async () => {
    for (const at of [-3_600_000, -1, 3_600_000]) {
      const lane = account(4);
      const { spend } = process();
      await spend(lane);
      const mark = (await vault(stores.database, masterKey).serviceMarker())('requests', lane.account);
      await stores.database.query(
        `update request_budget set spent_until = clock_timestamp() + $2 * interval '1 millisecond' where account = $1`,
        [mark, at],
      );
      expect([await spend(lane), await spend(lane)]).toEqual([0, 0]);
      expect(await spend(lane)).toBeGreaterThan(0);
    }
  });

  it('are written without a wait for the disk, which would be the longest part of most requests', async () => {
    const lane = { ...account(), atOnce: 3 };
    const written = await stores.database.transaction(async (sql) => {
      const { spend, enter } = requestBudget(sql, vault(stores.database, masterKey).serviceMarker);
      const place = await enter(lane);
      return [await spend(lane), typeof place === 'object' && place !== null, await sql.query('show synchronous_commit')];
    });
    expect(written).toEqual([0, true, [{ synchronous_commit: 'off' }]]);
  });

  it('name no account, and the same account alike in every process', async () => {
    const lane = account();
    const before = (await standing()).length;
    for (const { spend } of [process(), process()]) await spend(lane);
    const rows = await stores.database.query<{ row: string }>('select request_budget::text as row from request_budget');
    expect(rows).toHaveLength(before + 1);
    expect(rows.filter(({ row }) => row.includes('dav.example') || row.includes(lane.account.slice(-36)))).toEqual([]);
  });

  it('are forgotten when nothing was asked of their accounts for a while', async () => {
    await process().spend(account());
    const cleanUp = budgetCleanUp(stores.database);
    const lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };
    const kept = (await standing()).length;
    expect(await cleanUp.remove(Date.now(), lease)).toBe(0);
    expect(await cleanUp.remove(Date.now() + 3 * 3_600_000, lease)).toBe(kept);
    expect(await standing()).toEqual([]);
  });
});

describe('The places for requests that are under way', () => {
  const narrow = (account: string, aMinute = 2_400): NarrowLane => ({ account, aMinute, atOnce: 3 });

  const entered = async (account: string, { enter } = process()): Promise<Place> => {
    const place = await enter(narrow(account));
    if (place === null || typeof place === 'number') throw new Error('there is no place');
    return place;
  };

  it('are as many as an account has in all processes together, and one that is left is another’s', async () => {
    const [account, other] = [randomUUID(), randomUUID()];
    const [first, second, third] = [await entered(account), await entered(account), await entered(account)];
    const late = await Promise.all([1, 2, 3, 4].map(() => process().enter(narrow(account))));
    expect(late).toEqual([null, null, null, null]);
    await (await entered(other)).leave();
    await second.leave();
    const again = (await Promise.all([1, 2, 3, 4].map(() => process().enter(narrow(account))))).filter(
      (place) => place !== null && typeof place !== 'number',
    );
    expect(again).toHaveLength(1);
    await Promise.all([first, third, ...again].map(({ leave }) => leave()));
    await (await entered(account)).leave();
  });

  it('are taken with a request in one statement, and neither is without the other', async () => {
    const account = randomUUID();
    let statements = 0;
    const counted: Sql = {
      query: (...of) => {
        statements += 1;
        return stores.database.query(...of);
      },
    };
    const { enter } = requestBudget(counted, vault(stores.database, masterKey).serviceMarker);
    const first = await enter(narrow(account, 8));
    expect([typeof first, statements]).toEqual(['object', 1]);
    const others = [await entered(account), await entered(account)];
    expect(await enter(narrow(account, 8))).toBeNull();
    await others[0]?.leave();
    await stores.database.query(`update request_budget set spent_until = clock_timestamp() + interval '59 seconds'`);
    expect(await enter(narrow(account, 8))).toBeGreaterThan(0);
    for (const place of [others[1], first]) if (typeof place === 'object') await place?.leave();
  });

  it('of a process that died become free, and what is then under way in it ends', async () => {
    const account = randomUUID();
    const places = await Promise.all([1, 2, 3].map(() => entered(account)));
    const outdated = () =>
      stores.database.query(
        `update request_budget set places = (select jsonb_object_agg(key, 0) from jsonb_each(places)) where places <> '{}'`,
      );
    await outdated();
    const next = await Promise.all([1, 2, 3].map(() => entered(account)));
    await eventually('those before are told', () => places.every(({ lost }) => lost.aborted));
    expect(next.some(({ lost }) => lost.aborted)).toBe(false);
    expect(await process().enter(narrow(account))).toBeNull();
    await Promise.all([...places, ...next].map(({ leave }) => leave()));
  });

  it('let at most three requests of a mailbox at Microsoft be under way, of readings, looks for calendars and channels of two processes', async () => {
    const outlook = await microsoftAccount();
    const https = [nearHttp(process()), nearHttp(process())];
    try {
      const calendars = await Promise.all([1, 2, 3, 4].map(() => outlook.calendar()));
      for (const calendar of calendars) await outlook.put(calendar, 'Weekly', { ...entry('Weekly'), rule: 'FREQ=WEEKLY;COUNT=6' });
      outlook.sandbox.switchOn({ fault: 'slow', milliseconds: 15 });
      const [secret] = outlook.secrets();
      const until = new Date(Date.now() + 3_600_000);
      const all = (): readonly Promise<unknown>[] =>
        https.flatMap((http): readonly Promise<unknown>[] => {
          const [provider, grant] = [outlook.providerOver(http), fixedGrant(secret)];
          const open = async (calendar: string): Promise<unknown> => {
            const order = { id: randomUUID(), token: 'token', address: 'https://127.0.0.1:9/', until };
            return provider.push?.open(grant, outlook.addressOf(calendar), order, allowed()).catch(() => null);
          };
          return [
            provider.discover(grant, allowed()),
            ...calendars.map((calendar) => scanAll(provider, secret, outlook.addressOf(calendar))),
            ...calendars.map(open),
          ];
        });
      const most = (): number => Math.max(...outlook.sandbox.requests().map(({ underWay }) => underWay));
      // A busy machine may not have got three under way in the first round.
      await eventually('three are under way at once', async () => {
        await Promise.all(all());
        return most() >= 3;
      });
      expect(outlook.sandbox.requests().filter(({ status }) => status === 429)).toEqual([]);
      expect(most()).toBe(3);
    } finally {
      await Promise.all(https.map((http) => http.close()));
      await outlook.stop();
    }
  });
});
