import { randomBytes } from 'node:crypto';
import { named, type Database, type Sql } from '../../kernel/sql.js';
import { AccountTaken, KeyDestroyed, type Vault } from '../../kernel/vault.js';
import {
  type Account,
  accountOf,
  connectionKeyGone,
  connectionKeys,
  connectionName,
  secretName,
  subjectName,
  type WrappedRow,
} from './connection-keys.postgres.js';
import { idOf } from './master-keys.postgres.js';
import { openSecret, renewalsOf, sealSecret } from './renewals.postgres.js';
import { marker, openBytes, sealBytes, sealer } from './sealing.aes.js';

const SERVICE_KEY = 'service:accounts';
const asideName = (connectionId: string): string => `aside:${connectionId}`;

/** Reads and unwraps the keys of people and connections. */
type Keyring = Readonly<{
  read: (name: string, key: Buffer) => Promise<Buffer | null>;
  subject: (userId: string) => Promise<Buffer>;
  /** The key of this service, under which marks are alike for all people. */
  service: () => Promise<Buffer>;
  connection: (userId: string, connectionId: string) => Promise<Buffer>;
  connections: (userId: string) => Promise<ReadonlyMap<string, Buffer>>;
  account: (userId: string, connectionId: string) => Promise<Account>;
}>;

/** A person's key says by which master key it is wrapped: while they are being exchanged there are two. */
const wrapping = (masterKey: Buffer, previous: Buffer | null) => {
  const [id, previousId] = [idOf(masterKey), previous === null ? null : idOf(previous)];
  return {
    wrap: (name: string, key: Buffer): readonly [sealed: Buffer, wrappedBy: string] => [sealBytes(masterKey, name, key), id],
    unwrap: ({ name, sealed, wrapped_by }: WrappedRow): Buffer =>
      openBytes(previous !== null && wrapped_by === previousId ? previous : masterKey, name, sealed),
  };
};

/** A key of a person or of this service, made at its first use. */
const keysMadeOnce = (sql: Sql, { wrap, unwrap }: ReturnType<typeof wrapping>): ((name: string, userId: string) => Promise<Buffer>) => {
  const unwrapped = async (name: string): Promise<Buffer | null> => {
    const [row] = await sql.query<WrappedRow & Readonly<{ status: string }>>(
      'select name, sealed, wrapped_by, status from vault where name = $1',
      [name],
    );
    if (row?.status === 'destroyed') throw new KeyDestroyed('the key of this person was destroyed');
    return row === undefined ? null : unwrap(row);
  };
  // Two first uses may race: the row that was stored first is the key. A tombstone has its name, so that nothing is stored over it.
  return async (name, userId) => {
    const stored = await unwrapped(name);
    if (stored !== null) return stored;
    const key = randomBytes(32);
    const made = await sql.query(
      `insert into vault (name, user_id, sealed, wrapped_by, status) values ($1, $2, $3, $4, 'active') on conflict do nothing returning 1`,
      [name, userId, ...wrap(name, key)],
    );
    const kept = made.length > 0 ? key : await unwrapped(name);
    if (kept === null) throw new KeyDestroyed('the key of a person was destroyed while it was made');
    return kept;
  };
};

const keyring = (sql: Sql, masterKey: Buffer, previous: Buffer | null): Keyring => {
  const read: Keyring['read'] = async (name, key) => {
    const [row] = await sql.query<{ sealed: Buffer }>('select sealed from vault where name = $1', [name]);
    return row === undefined ? null : openBytes(key, name, row.sealed);
  };
  const wraps = wrapping(masterKey, previous);
  const { unwrap } = wraps;
  const madeOnce = keysMadeOnce(sql, wraps);
  const subject: Keyring['subject'] = (userId) => madeOnce(subjectName(userId), userId);
  // It is never destroyed, and stays the same when it is wrapped by another master key.
  let known: Buffer | null = null;
  const connections = connectionKeys(sql, unwrap);
  return {
    read,
    subject,
    service: async () => (known ??= await madeOnce(SERVICE_KEY, '')),
    connections,
    connection: async (userId, connectionId) => {
      const key = (await connections(userId)).get(connectionId);
      if (key === undefined) throw connectionKeyGone();
      return key;
    },
    account: accountOf(sql, unwrap),
  };
};

/** How rows of a connection come and go. What becomes of a key that is deleted is the table's own rule: a trigger leaves its tombstone. */
const rowsOf = (sql: Sql): Pick<Vault, 'activate' | 'destroyConnection' | 'pendingSince'> => ({
  activate: async (connectionId) => {
    await sql.query(`update vault set status = 'active' where connection_id = $1`, [connectionId]);
  },
  destroyConnection: async (connectionId) => {
    await sql.query('delete from vault where connection_id = $1', [connectionId]);
  },
  pendingSince: async (olderThan) => {
    const rows = await sql.query<{ connection_id: string }>(
      `select distinct connection_id from vault where status = 'pending' and created_at < $1`,
      [olderThan],
    );
    return rows.map(({ connection_id }) => connection_id);
  },
});

const isUniqueViolation = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '23505';

/** Runs a statement that gives an account to a connection; of two that race for one account the database refuses the second. */
const holding = async (sql: Sql, statement: string, values: readonly unknown[], userId: string, account: string | null): Promise<void> => {
  try {
    await sql.query(statement, values);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const held = 'select connection_id from vault where user_id = $1 and account = $2';
    const [holder] = await sql.query<{ connection_id: string }>(held, [userId, account]);
    if (holder === undefined) throw error;
    throw new AccountTaken(holder.connection_id);
  }
};

/** Which connection holds which account: a mark in the row of its key, unique per person. */
const accountsOf = (sql: Sql): Pick<Vault, 'accountOf' | 'holdAccount' | 'releaseAccount'> => ({
  accountOf: async (connectionId) => {
    const [row] = await sql.query<{ account: string | null }>('select account from vault where name = $1', [connectionName(connectionId)]);
    return row?.account ?? null;
  },
  holdAccount: (userId, connectionId, account) => {
    const statement = `update vault set account = $2 where name = $1 and status <> 'destroyed'`;
    return holding(sql, statement, [connectionName(connectionId), account], userId, account);
  },
  releaseAccount: async (connectionId) => {
    await sql.query('update vault set account = null where name = $1', [connectionName(connectionId)]);
  },
});

/** Which connections open one account at its service, those of all people. A connection that was revoked needs its grant no more, and its key is gone. */
const grantsOf = (sql: Sql, keys: Keyring): Pick<Vault, 'noteGrant' | 'isGrantShared'> => ({
  noteGrant: async (connectionId, account) => {
    const mark = marker(await keys.service())('account', account);
    await sql.query(`update vault set grant_mark = $2 where name = $1 and status <> 'destroyed' and grant_mark is distinct from $2`, [
      connectionName(connectionId),
      mark,
    ]);
  },
  isGrantShared: async (connectionId) => {
    const others = await sql.query(
      `select 1 from vault own join vault other using (grant_mark)
       where own.connection_id = $1 and other.connection_id <> $1 and other.name = 'connection:' || other.connection_id limit 1`,
      [connectionId],
    );
    return others.length > 0;
  },
});

/** The secret of a revoked connection: sealed under the subject's key, since its own key opens nothing any more. */
const asideOf = (database: Database, keys: Keyring): Pick<Vault, 'setSecretAside' | 'secretAside'> => ({
  setSecretAside: async (userId, connectionId) => {
    const key = (await keys.connections(userId)).get(connectionId);
    const clear = key === undefined ? null : await keys.read(secretName(connectionId), key);
    const aside = clear === null ? null : sealBytes(await keys.subject(userId), asideName(connectionId), clear);
    await database.transaction(async (sql) => {
      if (aside !== null)
        await sql.query(
          `insert into vault (name, user_id, connection_id, sealed, status, grant_mark)
           select $1, $2, $3, $4, 'active', (select grant_mark from vault where name = $5) on conflict (name) do nothing`,
          [asideName(connectionId), userId, connectionId, aside, connectionName(connectionId)],
        );
      await sql.query('delete from vault where connection_id = $1 and name <> $2', [connectionId, asideName(connectionId)]);
    });
  },
  secretAside: async (userId, connectionId) => {
    const [row] = await database.query('select 1 from vault where name = $1', [asideName(connectionId)]);
    if (row === undefined) return null;
    const clear = await keys.read(asideName(connectionId), await keys.subject(userId));
    return clear === null ? null : openSecret(clear);
  },
});

/** The credentials of connections. */
const secretsOf = (sql: Sql, keys: Keyring): Pick<Vault, 'keep' | 'replaceSecret'> => ({
  keep: async (userId, connectionId, secret, account = null) => {
    const key = randomBytes(32);
    const [name, hiddenName] = [connectionName(connectionId), secretName(connectionId)];
    const wrapped = sealBytes(await keys.subject(userId), name, key);
    await holding(
      sql,
      ...named(
        `insert into vault (name, user_id, connection_id, sealed, status, account)
         select name, :userId, :connectionId, sealed, 'pending', account
         from (values (:name::text, :wrapped::bytea, :account::text), (:hiddenName::text, :hidden::bytea, null)) as fresh (name, sealed, account)
         where not exists (select 1 from vault where vault.name = :name)
         on conflict (name) do nothing`,
        { name, hiddenName, userId, connectionId, wrapped, hidden: sealSecret(key, hiddenName, secret), account },
      ),
      userId,
      account,
    );
    if ((await keys.connections(userId)).get(connectionId) === undefined) throw connectionKeyGone();
  },
  replaceSecret: async (userId, connectionId, secret) => {
    const name = secretName(connectionId);
    const hidden = sealSecret(await keys.connection(userId, connectionId), name, secret);
    await sql.query(
      `insert into vault (name, user_id, connection_id, sealed, status)
       select $1, user_id, connection_id, $2, status from vault where name = $3 and status <> 'destroyed' for share
       on conflict (name) do update set sealed = excluded.sealed`,
      [name, hidden, connectionName(connectionId)],
    );
  },
});

/**
 * Keys wrapped in rows: each under the one above it, its own name authenticated with it, so that rows cannot be exchanged. `previous`: the master
 * key before, for as long as a rotation has not come to its end.
 */
export const vault = (database: Database, masterKey: Buffer, previous: Buffer | null = null): Vault => {
  const keys = keyring(database, masterKey, previous);
  const renewals = renewalsOf(database, keys.account);
  return {
    ...rowsOf(database),
    ...accountsOf(database),
    ...grantsOf(database, keys),
    ...secretsOf(database, keys),
    ...renewals,
    secret: async (userId, connectionId) => (await renewals.secretSeen(userId, connectionId)).secret,
    ...asideOf(database, keys),
    subject: async (userId) => sealer(await keys.subject(userId), userId),
    marker: async (userId) => marker(await keys.subject(userId)),
    serviceMarker: async () => marker(await keys.service()),
    connection: async (userId, connectionId) => sealer(await keys.connection(userId, connectionId), `${userId}|${connectionId}`),
    connections: async (userId) => new Map([...(await keys.connections(userId))].map(([id, key]) => [id, sealer(key, `${userId}|${id}`)])),
  };
};
