import { type Sql } from '../../kernel/sql.js';
import { KeyDestroyed } from '../../kernel/vault.js';
import { openBytes } from './sealing.aes.js';

export const subjectName = (userId: string): string => `subject:${userId}`;
export const connectionName = (connectionId: string): string => `connection:${connectionId}`;
export const secretName = (connectionId: string): string => `secret:${connectionId}`;

/** `wrapped_by`: the master key over a person's key; null for what is wrapped by another key. */
export type WrappedRow = Readonly<{ name: string; sealed: Buffer; wrapped_by: string | null }>;

export const connectionKeyGone = (): KeyDestroyed => new KeyDestroyed('the key of this connection was destroyed');

/** The key of a connection, and its secret as it is stored under that key; undefined where there is none. */
export type Account = Readonly<{ key: Buffer; secret: Readonly<{ sealed: Buffer; version: string }> | undefined }>;

type AccountRow = WrappedRow & Readonly<{ version: string }>;

/** What opens the account of a connection, in one statement, because each reading begins with it. Throws `KeyDestroyed`. */
export const accountOf =
  (sql: Sql, unwrap: (row: WrappedRow) => Buffer) =>
  async (userId: string, connectionId: string): Promise<Account> => {
    const [person, connection, secret] = [subjectName(userId), connectionName(connectionId), secretName(connectionId)];
    const rows = await sql.query<AccountRow>(
      `select name, sealed, wrapped_by, version from vault where user_id = $1 and name = any($2) and status <> 'destroyed'`,
      [userId, [person, connection, secret]],
    );
    const byName = new Map(rows.map((row) => [row.name, row]));
    const [above, own] = [byName.get(person), byName.get(connection)];
    if (above === undefined || own === undefined) throw connectionKeyGone();
    return { key: openBytes(unwrap(above), connection, own.sealed), secret: byName.get(secret) };
  };

/** The keys of all connections of a person, by their ids; none when the person has no key. */
export const connectionKeys =
  (sql: Sql, unwrap: (row: WrappedRow) => Buffer) =>
  async (userId: string): Promise<ReadonlyMap<string, Buffer>> => {
    const rows = await sql.query<WrappedRow & Readonly<{ connection_id: string | null }>>(
      `select name, sealed, wrapped_by, connection_id from vault
       where user_id = $1 and status <> 'destroyed' and (name = $2 or name = 'connection:' || connection_id)`,
      [userId, subjectName(userId)],
    );
    const person = rows.find(({ connection_id }) => connection_id === null);
    if (person === undefined) return new Map();
    const key = unwrap(person);
    return new Map(
      rows.flatMap(({ name, sealed, connection_id }) => (connection_id === null ? [] : [[connection_id, openBytes(key, name, sealed)]])),
    );
  };
