import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { accessCodec } from '../../src/audit/access.codec.js';
import { accessLog } from '../../src/audit/access-log.eventstore.js';
import { TeamsAvailability, TeamsAvailabilityHandler } from '../../src/availability/availability.query.js';
import { AvailabilityReader } from '../../src/availability/availability.reader.js';
import { connectEventStore } from '../../src/infra/eventstore/event-store.client.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { writeChange } from '../../src/directory/directory.sql.js';
import { postgresTeams } from '../../src/directory/teams.sql.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type EventStore } from '../../src/kernel/event-store.js';
import { DAY } from '../../src/kernel/clock.js';
import { NOW } from '../support/builders.js';
import { cause, openStores, SILENT, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

const ROOM = { kind: 'room', name: 'Oak', capacity: null, timeZone: null } as const;

let days = 0;

/** A team of three on a day of their own, and a stranger to them; `store` holds the records. */
const team = async (store: EventStore = stores.store) => {
  days += 1;
  const now = NOW + days * DAY;
  const clock = { now: () => now };
  const { database } = stores;
  const teams = postgresTeams({ database, clock, log: SILENT, tokensCount: false });
  const [red, ada, ben, cleo, stranger] = [1, 2, 3, 4, 5].map(() => randomUUID()) as [string, string, string, string, string];
  for (const userId of [ada, ben, cleo]) await teams.remember({ userId, roles: ['user'], teams: [red] });
  const log = accessLog({ store, clock, entropy: { uuid: () => randomUUID() } });
  const reader = new AvailabilityReader(database, clock, readModels(database, []));
  const handler = new TeamsAvailabilityHandler(reader, teams, vault(database, randomBytes(32)), log);
  const range = { start: '2026-11-23T00:00:00.000Z', end: '2026-11-24T00:00:00.000Z' };
  const via = 'POST /v1/calendar/availability';
  const ask = (...users: readonly string[]) =>
    handler.execute(
      new TeamsAvailability(
        { userId: ada, roles: ['user'], teams: [red] },
        range,
        { users: [...users], range: '', workingHours: false },
        { ...cause, actor: ada, via },
      ),
    );
  const at = new Date(now).toISOString();
  const record = { type: 'DataAccessed', actor: ada, purpose: 'availability', route: via, at };
  const records = async () => await stores.store.load(`access-${at.slice(0, 10)}`, accessCodec);
  return { ada, ben, cleo, red, stranger, ask, record, records };
};

describe('Who looked at whose time', () => {
  it('is recorded in the stream of the day before it is answered, for each person but oneself', async () => {
    const { ada, ben, cleo, ask, record, records } = await team();
    expect((await ask(ada, ben, cleo)).users).toHaveLength(3);
    const granted = { ...record, outcome: 'granted' };
    expect(await records()).toEqual([
      { ...granted, subject: ben },
      { ...granted, subject: cleo },
    ]);
  });

  it('is not recorded of a room, which is free and no person', async () => {
    const { ada, ben, red, ask, record, records } = await team();
    const [oak, elsewhere] = [randomUUID(), randomUUID()];
    for (const [id, teams] of [
      [oak, [red]],
      [ben, [red]],
      [elsewhere, []],
    ] as const)
      await writeChange(stores.database, { of: 'resource', id, resource: { ...ROOM, teams }, at: new Date(NOW).toISOString() });
    const { users } = await ask(ada, oak, ben);
    expect(users.map(({ unknown }) => unknown.length)).toEqual([1, 0, 1]);
    expect(users[1]).toEqual({ userId: oak, busy: [], unknown: [], unreadable: 0 });
    expect(await records()).toEqual([{ ...record, outcome: 'granted', subject: ben }]);
    await expect(ask(oak, elsewhere)).rejects.toMatchObject({ code: 'availability.unknown-person' });
  });

  it('is not recorded when it is of one’s own data', async () => {
    const { ada, ask, records } = await team();
    await ask(ada);
    expect(await records()).toEqual([]);
  });

  it('is recorded without a name when it was refused: the person asked for may not exist', async () => {
    const { ben, stranger, ask, record, records } = await team();
    await expect(ask(ben, stranger)).rejects.toMatchObject({ code: 'availability.unknown-person' });
    expect(await records()).toEqual([{ ...record, subject: null, outcome: 'refused' }]);
  });

  it('is not told while it cannot be recorded', async () => {
    const { store, close } = connectEventStore('esdb://127.0.0.1:1?tls=false', randomUUID, SILENT);
    const { ada, ben, ask } = await team(store);
    await expect(ask(ben)).rejects.toMatchObject({ name: 'EngineAway', engine: 'event store' });
    expect((await ask(ada)).users).toHaveLength(1);
    await close();
  });
});
