import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLEAN_UP_BATCH } from '../../src/kernel/clean-up.js';
import { DAY } from '../../src/kernel/clock.js';
import { inboxCleanUp, inboxIn } from '../../src/infra/postgres/inbox.postgres.js';
import { openStores, type Stores } from '../support/store.js';

describe('The inbox of consumers', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores();
    await stores.database.query('create table effect (message text not null)');
  });
  afterAll(() => stores.stop());

  const effects = async (message: string): Promise<number> =>
    (await stores.database.query('select 1 from effect where message = $1', [message])).length;

  it('lets a message take effect once for each consumer, also when it is delivered to many at once', async () => {
    const inbox = inboxIn(stores.database);
    const deliver = (consumer: string): Promise<boolean> =>
      inbox.once(consumer, 'once', async (sql) => {
        await sql.query('insert into effect values ($1)', ['once']);
      });
    const ran = await Promise.all([...Array.from({ length: 10 }, () => deliver('one')), deliver('other')]);
    expect(ran.filter(Boolean)).toHaveLength(2);
    expect(await effects('once')).toBe(2);
  });

  it('forgets a message whose work failed, together with the effect', async () => {
    const inbox = inboxIn(stores.database);
    const failed = inbox.once('one', 'failing', async (sql) => {
      await sql.query('insert into effect values ($1)', ['failing']);
      throw new Error('after the effect');
    });
    await expect(failed).rejects.toThrow('after the effect');
    expect(await effects('failing')).toBe(0);
    expect(await inbox.once('one', 'failing', () => Promise.resolve())).toBe(true);
  });

  it('is emptied of what is no longer delivered', async () => {
    const { remove } = inboxCleanUp(stores.database);
    const lease = { permit: () => Promise.resolve() } as unknown as Parameters<typeof remove>[1];
    await stores.database.query(`insert into inbox select 'old', n::text, now() - interval '32 days' from generate_series(1, $1) n`, [
      CLEAN_UP_BATCH + 1,
    ]);
    expect(await remove(Date.parse((await stores.database.query<{ now: Date }>('select now()'))[0]?.now.toISOString() ?? ''), lease)).toBe(
      CLEAN_UP_BATCH + 1,
    );
    expect(await remove(Date.UTC(2026, 0, 1) + DAY, lease)).toBe(0);
  });
});
