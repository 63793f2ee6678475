import { randomBytes, randomUUID } from 'node:crypto';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { originOf } from '../../src/infra/http/cause.interceptor.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { metadataOf, systemCause } from '../../src/kernel/cause.js';
import { type Metadata } from '../../src/kernel/event-store.js';
import { cause, noted, notes, openStores, type Stores } from '../support/store.js';

let stores: Stores;
let client: EventStoreDBClient;
beforeAll(async () => {
  stores = await openStores();
  client = EventStoreDBClient.connectionString(stores.engines.eventStoreUrl);
});
afterAll(async () => {
  await client.dispose();
  await stores.stop();
});

/** What a reader of a stream is told beside its only event. */
const beside = async (stream: string): Promise<Metadata | undefined> => {
  for await (const { events } of stores.store.follow([{ category: stream, codec: notes }], null, new AbortController().signal))
    for (const { metadata } of events) return metadata;
  return undefined;
};

describe('What stands beside an event', () => {
  it('is read as it was given, under names of its own in the log', async () => {
    const category = `note${randomUUID()}`;
    const given = metadataOf({ ...cause, subject: 'ben', via: 'PATCH /v1/notes/:id', origin: 'mark' }, randomUUID());
    await stores.store.append(`${category}-a`, -1n, [noted('a')], notes, given);
    expect(await beside(category)).toEqual(given);
    const raw: unknown[] = [];
    for await (const { event } of client.readStream(`${category}-a`)) raw.push(event?.metadata);
    expect(raw).toMatchObject([{ actor: 'ada', subject: 'ben', via: 'PATCH /v1/notes/:id', origin: 'mark' }]);
  });

  it('is null where an older program wrote nothing', async () => {
    const category = `note${randomUUID()}`;
    const older = { $correlationId: 'chain', $causationId: 'chain', commandId: 'first', actor: 'ada', schema: 'Noted.v1' };
    await client.appendToStream(`${category}-a`, jsonEvent({ type: 'Noted.v1', data: { text: 'a' }, metadata: older }));
    expect(await beside(category)).toEqual({
      ...{ commandId: 'first', correlationId: 'chain', causationId: 'chain', actor: 'ada' },
      ...{ subject: null, via: null, origin: null },
    });
  });

  it('says of the system’s work by which role it was done, and no origin', () => {
    expect(metadataOf(systemCause('sync', 'ada', 'chain'), 'first')).toEqual({
      ...{ commandId: 'first', correlationId: 'chain', causationId: 'chain', actor: 'system:sync' },
      ...{ subject: 'ada', via: 'sync', origin: null },
    });
  });
});

describe('Where a request came from', () => {
  const address = '203.0.113.77';

  it('is a mark of the address that only the person’s key can make, from a socket of either family', async () => {
    const [keys, ada, ben] = [vault(stores.database, randomBytes(32)), randomUUID(), randomUUID()];
    const origin = await originOf(keys, ada, address);
    expect(origin).toBe((await keys.marker(ada))('origin', address));
    expect(await originOf(keys, ada, `::ffff:${address}`)).toBe(origin);
    expect(await originOf(keys, ada, '203.0.113.78')).not.toBe(origin);
    expect(await originOf(keys, ben, address)).not.toBe(origin);
  });

  it('has the same mark while master keys are exchanged', async () => {
    const [before, after, ada] = [randomBytes(32), randomBytes(32), randomUUID()];
    const origin = await originOf(vault(stores.database, before), ada, address);
    expect(await originOf(vault(stores.database, after, before), ada, address)).toBe(origin);
  });

  it('has no mark once the person’s key is destroyed, nor when the client is gone', async () => {
    const [keys, ada] = [vault(stores.database, randomBytes(32)), randomUUID()];
    expect(await originOf(keys, ada, undefined)).toBeNull();
    await originOf(keys, ada, address);
    await stores.database.query('delete from vault where user_id = $1', [ada]);
    expect(await originOf(keys, ada, address)).toBeNull();
  });
});
