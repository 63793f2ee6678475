import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { postgresTeams } from '../../src/infra/postgres/teams.postgres.js';
import { DAY } from '../../src/kernel/clock.js';
import { NOW } from '../support/builders.js';
import { openStores, SILENT, type Stores } from '../support/store.js';

let stores: Stores;
let now = NOW;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

/** A process, and people of this test alone. */
const world = () => {
  const teams = postgresTeams(stores.database, { now: () => now }, SILENT);
  const [ada, ben, red, blue] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
  const shows = (userId: string, ...named: readonly string[]) => teams.remember({ userId, roles: ['user'], teams: named });
  return { teams, ada, ben, red, blue, shows };
};

describe('Who shares a team', () => {
  it('is who named one of them in the token they showed last', async () => {
    const { teams, ada, ben, red, blue, shows } = world();
    await shows(ada, red, blue);
    await shows(ben, red);
    expect(await teams.mates([red, blue], [ada, ben, randomUUID()])).toEqual(new Set([ada, ben]));
    expect(await teams.mates([blue], [ada, ben])).toEqual(new Set([ada]));
    await shows(ada, blue);
    expect(await teams.mates([red], [ada, ben])).toEqual(new Set([ben]));
    await shows(ada);
    expect(await teams.mates([red, blue], [ada])).toEqual(new Set());
  });

  it('is empty for a person in no team', async () => {
    const { teams, ada, red, shows } = world();
    await shows(ada, red);
    expect(await teams.mates([], [ada])).toEqual(new Set());
  });

  it('is forgotten when no token has said so for 30 days, and not before', async () => {
    const { teams, ada, red, shows } = world();
    await shows(ada, red);
    now = NOW + 29 * DAY;
    expect(await teams.mates([red], [ada])).toEqual(new Set([ada]));
    await shows(ada, red);
    now = NOW + 58 * DAY;
    expect(await teams.mates([red], [ada])).toEqual(new Set([ada]));
    now = NOW + 60 * DAY;
    expect(await teams.mates([red], [ada])).toEqual(new Set());
    now = NOW;
  });

  it('is noted with a later request when the database is away', async () => {
    const { ada, red } = world();
    let away = true;
    const database = {
      ...stores.database,
      transaction: <T>(work: Parameters<typeof stores.database.transaction<T>>[0]) =>
        away ? Promise.reject(new Error('the database is away')) : stores.database.transaction(work),
    };
    const teams = postgresTeams(database, { now: () => now }, SILENT);
    const actor = { userId: ada, roles: ['user'], teams: [red] } as const;
    await teams.remember(actor);
    away = false;
    await teams.remember(actor);
    expect(await teams.mates([red], [ada])).toEqual(new Set([ada]));
  });
});
