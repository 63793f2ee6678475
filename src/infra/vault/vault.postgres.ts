import { randomBytes } from 'node:crypto';
import { type Sql } from '../../kernel/sql.js';
import { KeyDestroyed, type Secret, type Vault } from '../../kernel/vault.js';
import { marker, openBytes, sealBytes, sealer } from './sealing.aes.js';

const subjectName = (userId: string): string => `subject:${userId}`;
const connectionName = (connectionId: string): string => `connection:${connectionId}`;
const secretName = (connectionId: string): string => `secret:${connectionId}`;

/** Keys wrapped in rows: each under the one above it, its own name authenticated with it, so that rows cannot be exchanged. */
export const vault = (sql: Sql, masterKey: Buffer): Vault => {
  const read = async (name: string, key: Buffer): Promise<Buffer | null> => {
    const [row] = await sql.query<{ sealed: Buffer }>('select sealed from vault where name = $1', [name]);
    return row === undefined ? null : openBytes(key, name, row.sealed);
  };

  /** Two first uses may race: the row that was stored first is the key. */
  const subjectKey = async (userId: string): Promise<Buffer> => {
    const name = subjectName(userId);
    const stored = await read(name, masterKey);
    if (stored !== null) return stored;
    await sql.query(`insert into vault (name, user_id, sealed, status) values ($1, $2, $3, 'active') on conflict do nothing`, [
      name,
      userId,
      sealBytes(masterKey, name, randomBytes(32)),
    ]);
    const kept = await read(name, masterKey);
    if (kept === null) throw new KeyDestroyed('the key of a person was destroyed while it was made');
    return kept;
  };

  const connectionKey = async (userId: string, connectionId: string): Promise<Buffer> => {
    const key = await read(connectionName(connectionId), await subjectKey(userId));
    if (key === null) throw new KeyDestroyed('the key of this connection was destroyed');
    return key;
  };

  const scope = (userId: string, connectionId: string): string => `${userId}|${connectionId}`;

  return {
    subject: async (userId) => sealer(await subjectKey(userId), userId),
    marker: async (userId) => marker(await subjectKey(userId)),
    connection: async (userId, connectionId) => sealer(await connectionKey(userId, connectionId), scope(userId, connectionId)),
    keep: async (userId, connectionId, secret) => {
      const key = randomBytes(32);
      const wrapped = sealBytes(await subjectKey(userId), connectionName(connectionId), key);
      const hidden = sealBytes(key, secretName(connectionId), Buffer.from(JSON.stringify(secret)));
      await sql.query(
        `insert into vault (name, user_id, connection_id, sealed, status) values ($1, $3, $4, $5, 'pending'), ($2, $3, $4, $6, 'pending')`,
        [connectionName(connectionId), secretName(connectionId), userId, connectionId, wrapped, hidden],
      );
    },
    activate: async (connectionId) => {
      await sql.query(`update vault set status = 'active' where connection_id = $1`, [connectionId]);
    },
    replaceSecret: async (userId, connectionId, secret) => {
      const key = await connectionKey(userId, connectionId);
      await sql.query('update vault set sealed = $2 where name = $1', [
        secretName(connectionId),
        sealBytes(key, secretName(connectionId), Buffer.from(JSON.stringify(secret))),
      ]);
    },
    secret: async (userId, connectionId) => {
      const clear = await read(secretName(connectionId), await connectionKey(userId, connectionId));
      if (clear === null) throw new KeyDestroyed('the credentials of this connection were removed');
      return JSON.parse(clear.toString()) as Secret;
    },
    destroyConnection: async (connectionId) => {
      await sql.query('delete from vault where connection_id = $1', [connectionId]);
    },
    sweep: async (olderThan) => {
      const swept = await sql.query(`delete from vault where status = 'pending' and created_at < $1 returning 1`, [olderThan]);
      return swept.length;
    },
  };
};
