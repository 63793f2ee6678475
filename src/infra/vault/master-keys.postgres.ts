import { createHmac } from 'node:crypto';
import { type Database } from '../../kernel/sql.js';
import { openBytes, sealBytes } from './sealing.aes.js';

/** The key that wraps from now on, and the one before it while a rotation is under way. 32 bytes each. */
export type MasterKeys = Readonly<{ current: Buffer; previous: Buffer | null }>;

/** A check value: tells master keys apart, and nothing about them. */
export const idOf = (masterKey: Buffer): string =>
  createHmac('sha256', masterKey).update('juy.calendar master key').digest().subarray(0, 12).toString('base64url');

type Known = Readonly<{ id: string; retired_at: Date | null }>;

const mistakeIn = (known: readonly Known[], current: string, previous: string | null, strangers: number): string | null => {
  const own = known.find(({ id }) => id === current);
  if (own !== undefined && own.retired_at !== null)
    return `MASTER_KEY was replaced on ${own.retired_at.toISOString().slice(0, 10)}: set the key that replaced it.`;
  if (known.length > 0 && own === undefined && !known.some(({ id, retired_at }) => id === previous && retired_at === null))
    return 'MASTER_KEY is not the key that the data here is sealed with: set that one. To replace it, set it as MASTER_KEY_PREVIOUS and run `npm run keys:rotate`.';
  if (strangers > 0)
    return `MASTER_KEY_PREVIOUS is missing or wrong: ${strangers} keys are still wrapped by the master key before. Set it and run \`npm run keys:rotate\`.`;
  return null;
};

/**
 * Answers what is wrong with the master keys of a process that is about to start, in a sentence that says what to set; null when nothing is.
 * The first key ever is taken as it is; another only beside the one before.
 */
export const admitMasterKeys = (database: Database, { current, previous }: MasterKeys): Promise<string | null> =>
  database.transaction(async (sql) => {
    await sql.query('lock table master_key in exclusive mode');
    const known = await sql.query<Known>('select id, retired_at from master_key');
    const ids = [current, ...(previous === null ? [] : [previous])].map(idOf);
    const [row] = await sql.query<{ strangers: string }>(
      'select count(*) as strangers from vault where wrapped_by is not null and wrapped_by <> all($1)',
      [ids],
    );
    const mistake = mistakeIn(known, idOf(current), ids[1] ?? null, Number(row?.strangers ?? 0));
    if (mistake === null) await sql.query('insert into master_key (id) values ($1) on conflict do nothing', [idOf(current)]);
    return mistake;
  });

/** Keys wrapped again in one transaction. */
const BATCH = 100;

const rewrapSome = (database: Database, current: Buffer, previous: Buffer): Promise<number> =>
  database.transaction(async (sql) => {
    const rows = await sql.query<{ name: string; sealed: Buffer }>(
      'select name, sealed from vault where wrapped_by = $1 order by name limit $2 for update',
      [idOf(previous), BATCH],
    );
    const names = rows.map(({ name }) => name);
    const rewrapped = rows.map(({ name, sealed }) => sealBytes(current, name, openBytes(previous, name, sealed)));
    await sql.query(
      `update vault set sealed = fresh.sealed, wrapped_by = $3 from unnest($1::text[], $2::bytea[]) as fresh(name, sealed)
       where vault.name = fresh.name`,
      [names, rewrapped, idOf(current)],
    );
    return rows.length;
  });

/** True when no key is wrapped by the previous master key any more, which is of no use from then on. */
const retire = (database: Database, previous: Buffer): Promise<boolean> =>
  database.transaction(async (sql) => {
    const left = await sql.query('select 1 from vault where wrapped_by = $1 limit 1', [idOf(previous)]);
    if (left.length > 0) return false;
    await sql.query('update master_key set retired_at = clock_timestamp() where id = $1 and retired_at is null', [idOf(previous)]);
    return true;
  });

/**
 * Wraps every person's key by the current master key instead of the previous one; nothing that these keys seal is touched. May be killed at any
 * moment and run again, while the service runs with both master keys. Answers how many it wrapped; `onProgress` hears of them as they go.
 */
export const rotateMasterKeys = async (
  database: Database,
  { current, previous }: Readonly<{ current: Buffer; previous: Buffer }>,
  onProgress: (wrapped: number) => void,
): Promise<number> => {
  for (let wrapped = 0; ;) {
    const some = await rewrapSome(database, current, previous);
    wrapped += some;
    if (some > 0) onProgress(wrapped);
    else if (await retire(database, previous)) return wrapped;
  }
};
