import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { DirectoryConsumer } from '../../src/directory/directory.consumer.js';
import { directoryCleanUps } from '../../src/directory/directory.cleanup.js';
import { postgresTeams } from '../../src/directory/teams.sql.js';
import { type Delivered, type Inbox } from '../../src/kernel/broker.js';
import { DAY } from '../../src/kernel/clock.js';
import { NOW } from '../support/builders.js';
import { memberMessage, resourceMessage, toldMessage } from '../support/directory.js';
import { openStores, SILENT, type Stores } from '../support/store.js';

let stores: Stores;
let now = NOW;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

/** A process, and people of this test alone. */
const world = (tokensCount = false) => {
  const teams = postgresTeams({ database: stores.database, clock: { now: () => now }, log: SILENT, tokensCount });
  const [ada, ben, red, blue] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
  const shows = (userId: string, ...named: readonly string[]) => teams.remember({ userId, roles: ['user'], teams: named });
  /** Somebody with these teams in their token asks. */
  const mates = (of: readonly string[], ids: readonly string[], userId: string = randomUUID()) => teams.mates({ userId, teams: of }, ids);
  return { teams, mates, ada, ben, red, blue, shows };
};

describe('Who shares a team', () => {
  it('is who named one of them in the token they showed last', async () => {
    const { mates, ada, ben, red, blue, shows } = world();
    await shows(ada, red, blue);
    await shows(ben, red);
    expect(await mates([red, blue], [ada, ben, randomUUID()])).toEqual(new Set([ada, ben]));
    expect(await mates([blue], [ada, ben])).toEqual(new Set([ada]));
    await shows(ada, blue);
    expect(await mates([red], [ada, ben])).toEqual(new Set([ben]));
    await shows(ada);
    expect(await mates([red, blue], [ada])).toEqual(new Set());
  });

  it('is empty for a person in no team', async () => {
    const { mates, ada, red, shows } = world();
    await shows(ada, red);
    expect(await mates([], [ada])).toEqual(new Set());
  });

  it('is forgotten when no token has said so for 30 days, and not before', async () => {
    const { mates, ada, red, shows } = world();
    await shows(ada, red);
    now = NOW + 29 * DAY;
    expect(await mates([red], [ada])).toEqual(new Set([ada]));
    await shows(ada, red);
    now = NOW + 58 * DAY;
    expect(await mates([red], [ada])).toEqual(new Set([ada]));
    now = NOW + 60 * DAY;
    expect(await mates([red], [ada])).toEqual(new Set());
    now = NOW;
  });

  it('is noted with a later request when the database is away', async () => {
    const { ada, mates, red } = world();
    let away = true;
    const database = {
      ...stores.database,
      transaction: <T>(work: Parameters<typeof stores.database.transaction<T>>[0]) =>
        away ? Promise.reject(new Error('the database is away')) : stores.database.transaction(work),
    };
    const teams = postgresTeams({ database, clock: { now: () => now }, log: SILENT, tokensCount: false });
    const actor = { userId: ada, roles: ['user'], teams: [red] } as const;
    await teams.remember(actor);
    away = false;
    await teams.remember(actor);
    expect(await mates([red], [ada])).toEqual(new Set([ada]));
  });
});

/** Runs all work: what is written may be written twice. */
const everyTime: Inbox = { once: (_consumer, _id, work) => stores.database.transaction(work).then(() => true) };

const told = async (...messages: readonly Delivered[]): Promise<void> => {
  const consumer = new DirectoryConsumer(everyTime, SILENT);
  for (const message of messages) await consumer.onTold(message);
};

const minutes = (count: number): string => new Date(NOW - count * 60_000).toISOString();

describe('The directory', () => {
  it('says who shares a team, against what tokens say', async () => {
    const { mates, ada, ben, red, blue, shows } = world();
    await shows(ben, blue);
    await told(memberMessage(ada, [red]), memberMessage(ben, [red]));
    expect(await mates([blue], [ben], ada)).toEqual(new Set([ben]));
    expect(await mates([blue], [ben])).toEqual(new Set());
    await told(toldMessage(`member:${ben}`, null));
    expect(await mates([], [ben], ada)).toEqual(new Set());
    expect(await mates([blue], [ben])).toEqual(new Set());
  });

  it('is not alone in it in development', async () => {
    const { mates, ada, ben, red, blue, shows } = world(true);
    await shows(ben, blue);
    await told(memberMessage(ada, [red]), memberMessage(ben, [red]));
    expect([await mates([], [ben], ada), await mates([blue], [ben])]).toEqual([new Set([ben]), new Set([ben])]);
  });

  it('says which rooms belong to a team', async () => {
    const { teams, ada, red, blue } = world();
    const [oak, elm] = [randomUUID(), randomUUID()];
    await told(memberMessage(ada, [red]), resourceMessage(oak, [red, blue], { timeZone: 'Europe/Paris' }), resourceMessage(elm, [blue]));
    const known = () => teams.resources({ userId: ada, teams: [] }, [oak, elm, ada, randomUUID()]);
    expect(await known()).toEqual(new Map([[oak, { timeZone: 'Europe/Paris' }]]));
    await told(toldMessage(`resource:${oak}`, null));
    expect(await known()).toEqual(new Map());
  });

  it('is believed in what it told last, in any order and however often that comes', async () => {
    const { mates, ada } = world();
    const history = fc
      .uniqueArray(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 6 })
      .chain((ages) =>
        fc
          .shuffledSubarray([...ages, ...ages], { minLength: ages.length * 2 })
          .map((deliveries) => ({ newest: Math.min(...ages), deliveries })),
      );
    await fc.assert(
      fc.asyncProperty(history, async ({ newest, deliveries }) => {
        const ben = randomUUID();
        const message = (age: number): Delivered =>
          age % 3 === 0 ? toldMessage(`member:${ben}`, null, minutes(age)) : memberMessage(ben, [`${ben}-${age}`], { time: minutes(age) });
        await told(...deliveries.map(message));
        const named = deliveries.map((age) => `${ben}-${age}`);
        const shared = await Promise.all(named.map(async (team) => ((await mates([team], [ben], ada)).has(ben) ? [team] : [])));
        expect([...new Set(shared.flat())]).toEqual(newest % 3 === 0 ? [] : [`${ben}-${newest}`]);
      }),
      { numRuns: 25 },
    );
  });

  it('leaves a mark of what it took out for 31 days, and keeps all else', async () => {
    const [ada, ben, oak] = [randomUUID(), randomUUID(), randomUUID()];
    await told(memberMessage(ada, []), toldMessage(`member:${ben}`, null), toldMessage(`resource:${oak}`, null));
    const lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };
    const left = async (days: number) => {
      for (const { remove } of directoryCleanUps(stores.database)) await remove(NOW + days * DAY, lease);
      return stores.database.query(
        'select user_id as id from directory_members where user_id = any($1) union all select resource_id from directory_resources where resource_id = any($1) order by 1',
        [[ada, ben, oak]],
      );
    };
    expect(await left(30)).toHaveLength(3);
    expect(await left(32)).toEqual([{ id: ada }]);
  });
});
