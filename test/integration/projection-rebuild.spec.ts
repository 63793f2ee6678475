import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { rebuildProjection } from '../../src/infra/postgres/projection.rebuild.js';
import { applyEach, type Projection } from '../../src/kernel/projection.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, noted, type Noted, notes, openStores, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const silent = (): void => undefined;
const never = new AbortController().signal;

/** A running projection of its own, whose rows tell the number of each event and a text made from it. */
const live = async () => {
  const name = `tale${randomUUID().slice(0, 8)}`;
  const table = `${name}_lines`;
  const { database, store } = stores;
  await database.query(
    `create table ${table} (number bigint primary key, line text not null check (line <> ''), length int generated always as (length(line)) stored)`,
  );
  await database.query(`create index ${table}_by_line on ${table} (line) where number > 0`);
  const projection: Projection<Noted> = {
    name,
    meaning: 1,
    families: [{ category: name, codec: notes }],
    apply: applyEach<Noted>({
      Noted: (sql, { revision, event }) => sql.query(`insert into ${table} (number, line) values ($1, $2)`, [revision, event.text]),
    }),
    tables: [table],
    separable: null,
  };
  const { progress, stop } = startProjection(stores, projection);
  atEnd(stop);
  const append = (...texts: readonly string[]) => store.append(`${name}-a`, null, texts.map(noted), notes, metadata());
  const rows = async (): Promise<readonly string[]> =>
    (await database.query<{ row: string }>(`select t::text as row from ${table} t order by number`)).map(({ row }) => row);
  const has = (count: number) => eventually(`${count} rows are there`, async () => (await rows()).length === count);
  const shape = async (): Promise<readonly unknown[]> =>
    database.query(
      `select indexdef as definition from pg_indexes where schemaname = 'public' and tablename = $1
       union all select pg_get_constraintdef(oid) || conname from pg_constraint where conrelid = $1::regclass order by 1`,
      [table],
    );
  return { name, table, projection, progress, append, rows, has, shape, stop };
};

const texts = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, index) => `line ${from + index}`);
const leftOvers = (name: string) => stores.database.query('select nspname from pg_namespace where nspname = $1', [`rebuild_${name}`]);

describe('A projection that is built again', () => {
  it('has the same rows, byte for byte, in tables of the same shape, and goes on from there', async () => {
    const { name, table, projection, append, rows, has, shape, stop } = await live();
    await append(...texts(200));
    await has(200);
    const [before, form] = [await rows(), await shape()];
    // What no event explains is what a rebuild is for.
    await stores.database.query(`update ${table} set line = 'spoilt' where number % 7 = 0`);
    await stores.database.query(`delete from ${table} where number % 11 = 0`);
    await rebuildProjection(stores, projection, silent, never);
    expect(await rows()).toEqual(before);
    expect(await shape()).toEqual(form);
    expect(await leftOvers(name)).toEqual([]);
    await append('afterwards');
    await has(201);
    await stop();
  });

  it('while its events go on loses and doubles none, and answers all the time', async () => {
    const { projection, append, rows, has, stop } = await live();
    await append(...texts(200));
    let [writing, written, fewest] = [true, 200, 200];
    const write = async (): Promise<void> => {
      while (writing) {
        await append(...texts(3, written));
        written += 3;
        await sleep(20);
      }
    };
    const read = async (): Promise<void> => {
      while (writing) {
        fewest = Math.min(fewest, (await rows()).length);
        await sleep(10);
      }
    };
    await has(200);
    const meanwhile = Promise.all([write(), read()]);
    atEnd(() => {
      writing = false;
      return meanwhile;
    });
    for (let time = 0; time < 2; time += 1) await rebuildProjection(stores, projection, silent, never);
    writing = false;
    await meanwhile;
    await has(written);
    await stop();
    expect(fewest).toBe(200);
    expect(await rows()).toEqual(texts(written).map((text, number) => `(${number},"${text}",${text.length})`));
  });

  it('is given up without a trace when it is stopped, or its connection is lost', async () => {
    const { name, projection, append, rows, has, stop } = await live();
    await append(...texts(100));
    await has(100);
    const before = await rows();
    const stopping = new AbortController();
    await expect(
      rebuildProjection(
        stores,
        projection,
        () => {
          stopping.abort();
        },
        stopping.signal,
      ),
    ).rejects.toThrow();
    const broken = { ...projection, apply: () => Promise.reject(new TypeError('it cannot be applied')) };
    await expect(rebuildProjection(stores, broken, silent, never)).rejects.toThrow('it cannot be applied');
    expect(await rows()).toEqual(before);
    expect(await leftOvers(name)).toEqual([]);
    // What a killed process leaves behind, the next attempt clears away.
    await stores.database.query(`create schema rebuild_${name}`);
    await stores.database.query(`create table rebuild_${name}.${projection.tables.join('')} (half text)`);
    await rebuildProjection(stores, projection, silent, never);
    expect(await rows()).toEqual(before);
    await stop();
  });

  it('is read by the same views as before, with what others may do with them', async () => {
    const { table, projection, append, has, stop } = await live();
    const { database } = stores;
    await append(...texts(3));
    await has(3);
    await database.query(`create view ${table}_long with (security_barrier = true) as select number, line from ${table} where length > 1`);
    await database.query(`create view ${table}_longest as select max(line) as line from ${table}_long`);
    await database.query(`grant select on ${table}_long to public`);
    const views = () =>
      database.query(
        `select relname, oid::text, relacl::text, reloptions::text, pg_get_viewdef(oid) as definition from pg_class
         where relkind = 'v' and relname like $1 order by 1`,
        [`${table}_long%`],
      );
    const before = await views();
    await database.query(`delete from ${table} where number = 2`);
    await rebuildProjection(stores, projection, silent, never);
    expect(await views()).toEqual(before);
    await append('line 3');
    await has(4);
    expect(await database.query(`select line from ${table}_longest`)).toEqual([{ line: 'line 3' }]);
    await stop();
  });

  it('is built by one process at a time', async () => {
    const { projection, append, has, stop } = await live();
    await append('once');
    await has(1);
    const others: Promise<unknown>[] = [];
    const slowly: typeof projection = {
      ...projection,
      apply: async (sql, events) => {
        if (others.length === 0) others.push(rebuildProjection(stores, projection, silent, never).catch((error: unknown) => error));
        await others[0];
        await projection.apply(sql, events);
      },
    };
    await rebuildProjection(stores, slowly, silent, never);
    expect(await others[0]).toBeInstanceOf(Error);
    await stop();
  });

  it('waits for readers that hold on to its rows, without holding up the others', async () => {
    const { table, projection, append, rows, has, stop } = await live();
    await append(...texts(10));
    await has(10);
    let rebuilt = false;
    const rebuilding = stores.database.transaction(async (sql) => {
      await sql.query(`select count(*) from ${table}`);
      const started = rebuildProjection(stores, projection, silent, never).then(() => {
        rebuilt = true;
      });
      for (let look = 0; look < 20; look += 1) expect(await rows()).toHaveLength(10);
      await sleep(1_500);
      expect(rebuilt).toBe(false);
      return { started };
    });
    await (
      await rebuilding
    ).started;
    expect(await rows()).toHaveLength(10);
    await stop();
  });
});
