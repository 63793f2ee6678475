import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes, randomUUID } from 'node:crypto';
import { type AccountEvent } from '../../src/calendar/account-events.js';
import { calendarFamily } from '../../src/calendar/calendar.codec.js';
import { feedFamily } from '../../src/sync/feed.codec.js';
import { calendars } from '../../src/calendar/calendars.projection.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { connection, type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { handle } from '../../src/kernel/commands.js';
import { type Recorded } from '../../src/kernel/event-store.js';
import { type Projection } from '../../src/kernel/projection.js';
import { userCalendarEvents } from '../../src/merged-events/user-calendar-events.projection.js';
import { preferenceFamily } from '../../src/preference/preference.codec.js';
import { connectedAccount, connectionRuntime, linked } from '../support/account.js';
import { NOW } from '../support/builders.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, type Stores } from '../support/store.js';

const at = new Date(NOW).toISOString();
const accounts = [connectionFamily, calendarFamily];
const PROJECTIONS = [
  calendars(accounts),
  schedule(accounts),
  userCalendarEvents([...accounts, feedFamily, preferenceFamily]),
] as readonly Projection<AccountEvent>[];

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const READABLE = { writable: true, busyOnly: false, color: null, timeZone: null, sealed: 'a' } as const;

type Fact = Readonly<{ stream: string; event: AccountEvent }>;

/** Facts as the log brings them, in the order they are given. */
const recorded = (facts: readonly Fact[]): readonly Recorded<AccountEvent>[] =>
  facts.map(({ stream, event }, index) => ({
    stream,
    event,
    revision: BigInt(index),
    position: BigInt(index + 1),
    id: randomUUID(),
    recordedAt: at,
    metadata: metadata(),
  }));

/** How many calendars of a connection each read model holds. */
const held = async (connectionId: string) => {
  const [row] = await stores.database.query<Record<'calendars' | 'schedule' | 'events', number>>(
    `select (select count(*)::int from calendars where connection_id = $1) as calendars,
       (select count(*)::int from sync_state where connection_id = $1) as schedule,
       (select count(*)::int from event_calendars where connection_id = $1) as events`,
    [connectionId],
  );
  return row;
};
const NOTHING = { calendars: 0, schedule: 0, events: 0 };

describe('A calendar that is adopted while its connection is being revoked', () => {
  it('is gone from every read model, in any order of the facts, also when they are read again', async () => {
    const order = fc.record({ before: fc.nat(4), between: fc.nat(4), after: fc.nat(4), shown: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(order, async ({ before, between, after, shown }) => {
        const [userId, connectionId] = [randomUUID(), randomUUID()];
        const own = (event: ConnectionEvent): Fact => ({ stream: `connection-${connectionId}`, event });
        const adoptions = (count: number): readonly Fact[] =>
          Array.from({ length: count }, () => `calendar-${randomUUID()}`).flatMap((stream) => [
            { stream, event: { type: 'CalendarAdopted', connectionId, userId, provider: 'caldav', ...READABLE, at } },
            ...(shown ? [{ stream, event: { type: 'VisibilitySet', visible: true, at } } as const] : []),
          ]);
        const facts = recorded([
          own(linked(userId)),
          ...adoptions(before),
          own({ type: 'ConnectionRevoked', userId, provider: 'caldav', at }),
          ...adoptions(between),
          own({ type: 'GrantRevoked', userId, how: 'manual', at }),
          own({ type: 'ConnectionPurged', userId, at }),
          ...adoptions(after),
        ]);
        for (const projection of PROJECTIONS) {
          await stores.database.transaction((sql) => projection.apply(sql, facts));
          await stores.database.transaction((sql) => projection.apply(sql, facts));
        }
        expect(await held(connectionId)).toEqual(NOTHING);
      }),
      { numRuns: 20 },
    );
  });

  it('leaves the other connections of the person alone', async () => {
    const [userId, gone, kept] = [randomUUID(), randomUUID(), randomUUID()];
    const adoptionBy = (connectionId: string): Fact => ({
      stream: `calendar-${randomUUID()}`,
      event: { type: 'CalendarAdopted', connectionId, userId, provider: 'caldav', ...READABLE, at },
    });
    const facts = recorded([
      { stream: `connection-${gone}`, event: linked(userId) },
      { stream: `connection-${kept}`, event: linked(userId) },
      { stream: `connection-${gone}`, event: { type: 'ConnectionRevoked', userId, provider: 'caldav', at } },
      adoptionBy(gone),
      adoptionBy(kept),
    ]);
    for (const projection of PROJECTIONS) await stores.database.transaction((sql) => projection.apply(sql, facts));
    expect([await held(gone), await held(kept)]).toEqual([NOTHING, { calendars: 1, schedule: 1, events: 1 }]);
  });
});

describe('A connection that is revoked between the discovery of its calendars and their adoption', () => {
  it('keeps none of them', async () => {
    const running = PROJECTIONS.map((projection) => startProjection(stores, projection));
    for (const { stop } of running) atEnd(stop);
    const keys = vault(stores.database, randomBytes(32));
    const { userId, connectionId } = await connectedAccount(stores, keys);
    const revoke = () =>
      handle(stores.store, connection, connectionCodec, {
        id: connectionId,
        command: { type: 'Revoke', owner: null, at },
        metadata: metadata(),
        ifMatch: null,
      });
    let adoptions = 0;
    const store = {
      ...stores.store,
      // The second of three adoptions is overtaken by the revoke.
      append: (async (stream, ...rest) => {
        if (stream.startsWith('calendar-') && (adoptions += 1) === 2) await revoke();
        return stores.store.append(stream, ...rest);
      }) as typeof stores.store.append,
    };
    const runtime = connectionRuntime({ ...stores, store }, keys);
    const found = ['work', 'home', 'choir'].map((name) => ({ ...READABLE, remoteId: `/${name}/`, address: `/${name}/`, name }));
    const written = await recordDiscovery(runtime, { connectionId, userId, provider: 'caldav', cause }, found);
    expect(adoptions).toBe(3);
    const names = PROJECTIONS.map(({ name }) => name);
    await eventually('all is read', () => readModels(stores.database, PROJECTIONS).reached(names, written, 20_000));
    expect(await held(connectionId)).toEqual(NOTHING);
  });
});
