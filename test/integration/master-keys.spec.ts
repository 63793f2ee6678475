import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { admitMasterKeys, idOf, rotateMasterKeys } from '../../src/infra/vault/master-keys.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { testEndings } from '../support/opened.js';
import { eventually, openStores, type Stores } from '../support/store.js';

const PROGRAM = fileURLToPath(new URL('../../dist/programs/keys.tool.js', import.meta.url));
const SECRET = { username: 'ada', password: 'correct horse battery staple' };
const [first, second, wrong] = [randomBytes(32), randomBytes(32), randomBytes(32)];

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const admit = (current: Buffer, previous: Buffer | null = null) => admitMasterKeys(stores.database, { current, previous });

const wrappedBy = async (key: Buffer): Promise<number> => {
  const [row] = await stores.database.query<{ count: string }>('select count(*) from vault where wrapped_by = $1', [idOf(key)]);
  return Number(row?.count);
};

/** `npm run keys:rotate` as an operator runs it. */
const rotation = (current: Buffer, previous: Buffer) => {
  const child = spawn(process.execPath, [PROGRAM], {
    env: {
      ...process.env,
      DATABASE_URL: stores.engines.databaseUrl('juy'),
      EVENTSTORE_URL: stores.engines.eventStoreUrl,
      MASTER_KEY: current.toString('base64'),
      MASTER_KEY_PREVIOUS: previous.toString('base64'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      printed += part.toString();
    });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const kill = () => child.kill('SIGKILL');
  atEnd(kill);
  return { ended, kill, printed: () => printed };
};

describe('A master key', () => {
  it('is taken as it is the first time, and another one is refused with what to set', async () => {
    expect(await admit(first)).toBeNull();
    expect(await admit(first)).toBeNull();
    expect(await admit(wrong)).toMatch(/^MASTER_KEY is not the key .* MASTER_KEY_PREVIOUS .* keys:rotate/);
    expect(await admit(second, wrong)).toMatch(/^MASTER_KEY is not the key/);
  });

  it('is replaced by another without touching what is sealed, also when that is killed in the middle; then the old one is worth nothing', async () => {
    const keys = vault(stores.database, first);
    const [userId, connectionId] = [randomUUID(), randomUUID()];
    await keys.keep(userId, connectionId, SECRET);
    const sealed = (await keys.connection(userId, connectionId)).seal('object:1', 'Lunch');
    const mark = (await keys.marker(userId))('copy', 'uid-1');
    for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 100 }, () => keys.subject(randomUUID())));
    const everything = async () => stores.database.query(`select name, sealed from vault where wrapped_by is null order by name`);
    const untouched = await everything();

    await stores.database.transaction(async (sql) => {
      // It comes as far as a key that somebody holds on to.
      const middle = 'select name from vault where wrapped_by = $1 order by name offset 300 limit 1';
      await sql.query(`select 1 from vault where name = (${middle}) for update`, [idOf(first)]);
      const killed = rotation(second, first);
      const waiting = () => stores.database.query('select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0');
      await eventually('it waits for that', async () => (await wrappedBy(second)) > 0 && (await waiting()).length > 0);
      killed.kill();
      await killed.ended;
    });
    expect(await wrappedBy(second)).toBeGreaterThan(0);
    const left = await wrappedBy(first);
    expect(left).toBeGreaterThan(0);
    expect(left + (await wrappedBy(second))).toBe(601);

    // Meanwhile the service works with both, makes new keys under the new one, and does not start without the old one.
    const both = vault(stores.database, second, first);
    expect(await both.secret(userId, connectionId)).toEqual(SECRET);
    await both.subject(randomUUID());
    expect(await wrappedBy(first)).toBe(left);
    expect(await admit(second, first)).toBeNull();
    expect(await admit(second)).toMatch(/^MASTER_KEY_PREVIOUS is missing or wrong: \d+ keys/);
    expect(await admit(first)).toMatch(/^MASTER_KEY_PREVIOUS is missing or wrong/);

    const whole = rotation(second, first);
    expect(await whole.ended).toBe(0);
    expect(whole.printed()).toContain(`Done: ${left} keys`);
    expect([await wrappedBy(first), await wrappedBy(second)]).toEqual([0, 602]);
    expect(await everything()).toEqual(untouched);

    const after = vault(stores.database, second);
    expect(await after.secret(userId, connectionId)).toEqual(SECRET);
    expect((await after.connection(userId, connectionId)).open('object:1', sealed)).toBe('Lunch');
    expect((await after.marker(userId))('copy', 'uid-1')).toBe(mark);
    expect(await admit(second)).toBeNull();
    expect(await admit(first)).toMatch(/^MASTER_KEY was replaced on \d{4}-\d\d-\d\d/);
    await expect(vault(stores.database, first).subject(userId)).rejects.toThrow();
  });

  it('that is replaced once more, with no key left to wrap, is replaced all the same', async () => {
    const third = randomBytes(32);
    expect(await admit(third, second)).toBeNull();
    expect(await rotateMasterKeys(stores.database, { current: third, previous: second }, () => undefined)).toBe(602);
    expect(await rotateMasterKeys(stores.database, { current: third, previous: second }, () => undefined)).toBe(0);
  });

  it('that is wrong is told by the tool, which touches nothing', async () => {
    const refused = rotation(wrong, second);
    expect(await refused.ended).toBe(1);
    expect(refused.printed()).toContain('MASTER_KEY is not the key');
    expect(refused.printed()).not.toContain(wrong.toString('base64'));
  });
});
