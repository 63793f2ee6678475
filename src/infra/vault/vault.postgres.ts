import { randomBytes } from 'node:crypto';
import { type Sql } from '../../kernel/sql.js';
import { KeyDestroyed, type Secret, type Vault } from '../../kernel/vault.js';
import { idOf } from './master-keys.postgres.js';
import { marker, openBytes, sealBytes, sealer } from './sealing.aes.js';

const subjectName = (userId: string): string => `subject:${userId}`;
const connectionName = (connectionId: string): string => `connection:${connectionId}`;
const secretName = (connectionId: string): string => `secret:${connectionId}`;

/** Reads and unwraps the keys of people and connections. */
type Keyring = Readonly<{
  read: (name: string, key: Buffer) => Promise<Buffer | null>;
  subject: (userId: string) => Promise<Buffer>;
  connection: (userId: string, connectionId: string) => Promise<Buffer>;
  connections: (userId: string) => Promise<ReadonlyMap<string, Buffer>>;
}>;

type WrappedRow = Readonly<{ name: string; sealed: Buffer; wrapped_by: string | null }>;

/** A person's key says by which master key it is wrapped: while they are being exchanged there are two. */
const wrapping = (masterKey: Buffer, previous: Buffer | null) => {
  const [id, previousId] = [idOf(masterKey), previous === null ? null : idOf(previous)];
  return {
    wrap: (name: string, key: Buffer): readonly [sealed: Buffer, wrappedBy: string] => [sealBytes(masterKey, name, key), id],
    unwrap: ({ name, sealed, wrapped_by }: WrappedRow): Buffer =>
      openBytes(previous !== null && wrapped_by === previousId ? previous : masterKey, name, sealed),
  };
};

/** The keys of all connections of a person, by their ids; none when the person has no key. */
const connectionKeys =
  (sql: Sql, unwrap: (row: WrappedRow) => Buffer): Keyring['connections'] =>
  async (userId) => {
    const rows = await sql.query<WrappedRow & Readonly<{ connection_id: string | null }>>(
      `select name, sealed, wrapped_by, connection_id from vault where user_id = $1 and (name = $2 or name = 'connection:' || connection_id)`,
      [userId, subjectName(userId)],
    );
    const person = rows.find(({ connection_id }) => connection_id === null);
    if (person === undefined) return new Map();
    const key = unwrap(person);
    return new Map(
      rows.flatMap(({ name, sealed, connection_id }) => (connection_id === null ? [] : [[connection_id, openBytes(key, name, sealed)]])),
    );
  };

const keyring = (sql: Sql, masterKey: Buffer, previous: Buffer | null): Keyring => {
  const read: Keyring['read'] = async (name, key) => {
    const [row] = await sql.query<{ sealed: Buffer }>('select sealed from vault where name = $1', [name]);
    return row === undefined ? null : openBytes(key, name, row.sealed);
  };
  const { wrap, unwrap } = wrapping(masterKey, previous);
  const unwrapped = async (name: string): Promise<Buffer | null> => {
    const [row] = await sql.query<WrappedRow>('select name, sealed, wrapped_by from vault where name = $1', [name]);
    return row === undefined ? null : unwrap(row);
  };
  /** Two first uses may race: the row that was stored first is the key. */
  const subject: Keyring['subject'] = async (userId) => {
    const name = subjectName(userId);
    const stored = await unwrapped(name);
    if (stored !== null) return stored;
    await sql.query(
      `insert into vault (name, user_id, sealed, wrapped_by, status) values ($1, $2, $3, $4, 'active') on conflict do nothing`,
      [name, userId, ...wrap(name, randomBytes(32))],
    );
    const kept = await unwrapped(name);
    if (kept === null) throw new KeyDestroyed('the key of a person was destroyed while it was made');
    return kept;
  };
  const connections = connectionKeys(sql, unwrap);
  return {
    read,
    subject,
    connections,
    connection: async (userId, connectionId) => {
      const key = (await connections(userId)).get(connectionId);
      if (key === undefined) throw new KeyDestroyed('the key of this connection was destroyed');
      return key;
    },
  };
};

const sealSecret = (key: Buffer, connectionId: string, secret: Secret): Buffer =>
  sealBytes(key, secretName(connectionId), Buffer.from(JSON.stringify(secret)));

/** How rows of a connection come and go. */
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

/**
 * Keys wrapped in rows: each under the one above it, its own name authenticated with it, so that rows cannot be exchanged. `previous`: the master
 * key before, for as long as a rotation has not come to its end.
 */
export const vault = (sql: Sql, masterKey: Buffer, previous: Buffer | null = null): Vault => {
  const keys = keyring(sql, masterKey, previous);
  return {
    ...rowsOf(sql),
    subject: async (userId) => sealer(await keys.subject(userId), userId),
    marker: async (userId) => marker(await keys.subject(userId)),
    connection: async (userId, connectionId) => sealer(await keys.connection(userId, connectionId), `${userId}|${connectionId}`),
    connections: async (userId) => new Map([...(await keys.connections(userId))].map(([id, key]) => [id, sealer(key, `${userId}|${id}`)])),
    keep: async (userId, connectionId, secret) => {
      const key = randomBytes(32);
      const wrapped = sealBytes(await keys.subject(userId), connectionName(connectionId), key);
      await sql.query(
        `insert into vault (name, user_id, connection_id, sealed, status) values ($1, $3, $4, $5, 'pending'), ($2, $3, $4, $6, 'pending')
         on conflict (name) do nothing`,
        [connectionName(connectionId), secretName(connectionId), userId, connectionId, wrapped, sealSecret(key, connectionId, secret)],
      );
    },
    replaceSecret: async (userId, connectionId, secret) => {
      const hidden = sealSecret(await keys.connection(userId, connectionId), connectionId, secret);
      await sql.query('update vault set sealed = $2 where name = $1', [secretName(connectionId), hidden]);
    },
    secret: async (userId, connectionId) => {
      const clear = await keys.read(secretName(connectionId), await keys.connection(userId, connectionId));
      if (clear === null) throw new KeyDestroyed('the credentials of this connection were removed');
      return JSON.parse(clear.toString()) as Secret;
    },
  };
};
