import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { beginAnew, lostEvents } from '../../src/infra/postgres/lost-events.postgres.js';
import { isAnotherLog, logCodec, rememberLog } from '../../src/infra/postgres/log-name.postgres.js';
import { type EventStore } from '../../src/kernel/event-store.js';
import { NOW } from '../support/builders.js';
import { suiteResources } from '../support/opened.js';
import { metadata, noted, notes, openStores, type Stores } from '../support/store.js';

describe('Read models', () => {
  const opened = suiteResources();
  let stores: Stores;
  let another: Stores;

  beforeAll(async () => {
    stores = await opened(openStores());
    another = await opened(openStores());
  });

  const append = (store: EventStore, ...texts: readonly string[]) => store.append('note-1', null, texts.map(noted), notes, metadata());
  const remember = (store: EventStore) =>
    rememberLog(stores.database, { store, clock: { now: () => NOW }, entropy: { uuid: () => randomUUID() } });

  it('know their log by a name, given to it once however many processes open it first at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => remember(stores.store)));
    const events = await stores.store.load('log-name', logCodec);
    const remembered = await stores.database.query<{ name: string }>('select name from known_log');
    expect(events.map(({ log }) => log)).toEqual(remembered.map(({ name }) => name));
    expect(await lostEvents(stores.database, stores.store)).toBeNull();
  });

  it('are not those of another log, however much longer it is, with a name of its own or with none', async () => {
    const { position } = await append(stores.store, 'a');
    await stores.database.query('insert into checkpoint (name, position, applied) values ($1, $2, $2)', [randomUUID(), position]);
    expect(await lostEvents(stores.database, stores.store)).toBeNull();
    await append(another.store, ...Array.from({ length: 200 }, () => 'b'));
    expect(await lostEvents(stores.database, another.store)).toMatch(/^The read models have applied events .*`npm run log:accept`/);
    await rememberLog(another.database, { store: another.store, clock: { now: () => NOW }, entropy: { uuid: () => randomUUID() } });
    expect(await isAnotherLog(stores.database, another.store)).toBe(true);
    await remember(another.store);
    expect(await isAnotherLog(stores.database, stores.store)).toBe(false);
  });

  it('start from zero with the log that is accepted', async () => {
    const session = await stores.database.session();
    await beginAnew(session, [], NOW, () => Promise.resolve());
    await session.release();
    expect(await lostEvents(stores.database, another.store)).toBeNull();
    await remember(another.store);
    expect([await isAnotherLog(stores.database, another.store), await isAnotherLog(stores.database, stores.store)]).toEqual([false, true]);
  });
});
