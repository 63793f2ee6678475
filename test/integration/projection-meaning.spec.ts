import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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

/** A projection whose rows tell which meaning wrote them. */
const saga = async () => {
  const name = `saga${randomUUID().slice(0, 8)}`;
  await stores.database.query(`create table ${name} (number bigint primary key, line text not null)`);
  let before = (): Promise<void> => Promise.resolve();
  const of = (meaning: number): Projection<Noted> => ({
    name,
    meaning,
    families: [{ category: name, codec: notes }],
    apply: applyEach<Noted>({
      Noted: async (sql, { revision, event }) => {
        await before();
        await sql.query(`insert into ${name} (number, line) values ($1, $2)`, [revision, `${event.text} as ${meaning} has it`]);
      },
    }),
    tables: [name],
    separable: null,
  });
  const run = (meaning: number) => {
    const running = startProjection(stores, of(meaning), { standingBy: 20, failed: 20, unknown: 20 });
    atEnd(running.stop);
    return running;
  };
  const append = (...texts: readonly string[]) => stores.store.append(`${name}-a`, null, texts.map(noted), notes, metadata());
  const rows = async (): Promise<readonly string[]> =>
    (await stores.database.query<{ line: string }>(`select line from ${name} order by number`)).map(({ line }) => line);
  const are = (...lines: readonly string[]) =>
    eventually(`the rows are ${lines.join(', ')}`, async () => (await rows()).join() === lines.join());
  const checkpoint = async () =>
    (
      await stores.database.query<{ meaning: number; begun: boolean }>(
        'select meaning, begun_at is not null as begun from checkpoint where name = $1',
        [name],
      )
    )[0];
  return { name, run, append, rows, are, checkpoint, beforeEach: (work: typeof before) => (before = work) };
};

describe('Rows of an older meaning', () => {
  it('are built again and change places by themselves, read until then, and go on from there', async () => {
    const { run, append, rows, are, checkpoint, beforeEach } = await saga();
    await append('a', 'b');
    const older = run(1);
    await are('a as 1 has it', 'b as 1 has it');
    await older.stop();
    const meanwhile: string[] = [];
    beforeEach(async () => void meanwhile.push(...(await rows())));
    const newer = run(2);
    await eventually('it tells that it rebuilds', () => newer.progress.rebuilt !== null || meanwhile.length > 0);
    await are('a as 2 has it', 'b as 2 has it');
    await append('c');
    await are('a as 2 has it', 'b as 2 has it', 'c as 2 has it');
    expect(meanwhile.slice(0, 2)).toEqual(['a as 1 has it', 'b as 1 has it']);
    expect(newer.progress).toMatchObject({ failure: null, rebuilt: null });
    // Change cursors from before are told that they have to read everything again.
    expect(await checkpoint()).toEqual({ meaning: 2, begun: true });
  });

  it('are not built again where nothing has been applied', async () => {
    const { run, append, are, checkpoint } = await saga();
    run(7);
    await append('a');
    await are('a as 7 has it');
    expect(await checkpoint()).toEqual({ meaning: 7, begun: false });
  });

  it('are built again although a program that knows no other meaning still holds the lock, and are its no more', async () => {
    const { run, append, are } = await saga();
    await append('a');
    const older = run(1);
    await eventually('it is live', () => older.progress.live);
    const newer = run(2);
    await are('a as 2 has it');
    await append('b');
    await are('a as 2 has it', 'b as 2 has it');
    await eventually(
      'the older program stands by',
      () => older.progress.outdated && !older.progress.running && older.progress.failure === null,
    );
    await eventually('the newer one runs', () => newer.progress.live);
    await append('c');
    await are('a as 2 has it', 'b as 2 has it', 'c as 2 has it');
  });

  it('are built again by one of several processes, and by another when it dies in the middle', async () => {
    const { run, append, are, beforeEach } = await saga();
    await append('a', 'b', 'c');
    const older = run(1);
    await are('a as 1 has it', 'b as 1 has it', 'c as 1 has it');
    await older.stop();
    let dies: () => void = () => undefined;
    const dying = new Promise<void>((resolve) => (dies = resolve));
    beforeEach(async () => {
      dies();
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    const first = run(2);
    await dying;
    const others = [run(2), run(2)];
    await first.stop();
    await are('a as 2 has it', 'b as 2 has it', 'c as 2 has it');
    await eventually('one goes on', () => others.some(({ progress }) => progress.live));
    expect(others.map(({ progress }) => progress.failure)).toEqual([null, null]);
  });
});

describe('Rows of a newer meaning', () => {
  it('are left alone by an older program, which says that no other runs', async () => {
    const { run, append, rows, are } = await saga();
    await append('a');
    const newer = run(2);
    await are('a as 2 has it');
    await newer.stop();
    await append('b');
    const older = run(1);
    await eventually('it says so', () => older.progress.failure?.code === 'program-older');
    expect(await rows()).toEqual(['a as 2 has it']);
  });

  it('are closed to programs of the first release, which do not look at the meaning', async () => {
    const { name, run, append, are } = await saga();
    await append('a');
    run(2);
    await are('a as 2 has it');
    const theirs = stores.database.query('update checkpoint set position = position + 1, moved_at = clock_timestamp() where name = $1', [
      name,
    ]);
    await expect(theirs).rejects.toThrow('a newer version of the service applies the events');
  });
});
