import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../src/infra/postgres/database.postgres.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { type Sql } from '../../src/kernel/sql.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';

describe('A connection to the database', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores();
    await stores.database.query('create table written (text text not null)');
  });
  afterAll(() => stores.stop());

  const numberOf = async (sql: Sql): Promise<number> => (await sql.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid ?? 0;
  const cut = async (sql: Sql): Promise<void> => {
    await stores.database.query('select pg_terminate_backend($1)', [await numberOf(sql)]);
  };
  const written = async (): Promise<readonly string[]> =>
    (await stores.database.query<{ text: string }>('select text from written order by 1')).map(({ text }) => text);
  const write = (sql: Sql, text: string): Promise<unknown> => sql.query('insert into written values ($1)', [text]);

  it('that is cut in the middle of a transaction leaves nothing behind, and no other transaction is given it', async () => {
    const { database } = stores;
    const cutOff = database.transaction(async (sql) => {
      await write(sql, 'half');
      await cut(sql);
      await write(sql, 'never');
    });
    await expect(cutOff).rejects.toThrow(EngineAway);
    for (const text of ['one', 'two']) await database.transaction((sql) => write(sql, text));
    expect(await written()).toEqual(['one', 'two']);
    expect(database.pool()).toMatchObject({ busy: 0 });
  });

  it('on which a statement is refused takes back its transaction and goes on', async () => {
    const { database } = stores;
    const session = await database.session();
    try {
      const number = await numberOf(session);
      const refused = session.transaction(async (sql) => {
        await write(sql, 'refused');
        await sql.query('insert into written values (null)');
      });
      await expect(refused).rejects.toThrow('null value');
      await session.transaction((sql) => write(sql, 'three'));
      expect(await numberOf(session)).toBe(number);
    } finally {
      await session.release();
    }
    expect(await written()).toEqual(expect.arrayContaining(['three']));
    expect(await written()).not.toContain('refused');
  });

  it('has transactions of one name one after the other, each of which sees what those before it wrote, and takes back one that fails', async () => {
    const { database } = stores;
    const counted = (fails: boolean) =>
      database.alone('counting', async (sql) => {
        const [row] = await sql.query<{ count: string }>(`select count(*) from written where text like 'alone%'`);
        await write(sql, `alone ${row?.count ?? ''}`);
        if (fails) throw new Error('not this one');
      });
    await Promise.allSettled(Array.from({ length: 12 }, (_, index) => counted(index % 3 === 0)));
    expect((await written()).filter((text) => text.startsWith('alone'))).toEqual(Array.from({ length: 8 }, (_, index) => `alone ${index}`));
    expect(database.pool()).toMatchObject({ busy: 0 });
  });

  it('that a session lost is gone for that session alone', async () => {
    const { database } = stores;
    const session = await database.session();
    await cut(session);
    await expect(session.query('select 1')).rejects.toThrow(EngineAway);
    await expect(session.transaction((sql) => write(sql, 'lost'))).rejects.toThrow(EngineAway);
    await session.release();
    expect(await written()).not.toContain('lost');
    expect(database.pool()).toMatchObject({ busy: 0 });
  });

  it('that somebody still has does not keep the database from being closed, and ends with it', async () => {
    const database = await openDatabase(stores.engines.databaseUrl('juy'), SILENT);
    const session = await database.session();
    const number = await numberOf(session);
    await database.close();
    await expect(session.query('select 1')).rejects.toThrow();
    await session.release();
    await eventually('the server has let it go', async () => {
      const found = await stores.database.query('select 1 from pg_stat_activity where pid = $1', [number]);
      return found.length === 0;
    });
  });
});
