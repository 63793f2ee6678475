import { SECOND } from '../../kernel/clock.js';
import { named, type Sql } from '../../kernel/sql.js';
import { type Secret, SecretMissing, type Vault } from '../../kernel/vault.js';
import { type Account, secretName } from './connection-keys.postgres.js';
import { openBytes, sealBytes } from './sealing.aes.js';

export const sealSecret = (key: Buffer, name: string, secret: Secret): Buffer => sealBytes(key, name, Buffer.from(JSON.stringify(secret)));

export const openSecret = (clear: Buffer | null): Secret => {
  if (clear === null) throw new SecretMissing('the credentials of this connection are missing');
  return JSON.parse(clear.toString()) as Secret;
};

type AccountOf = (userId: string, connectionId: string) => Promise<Account>;

/** What a process that died while it renewed leaves held. The vendor's answer is waited for less long. */
const HELD = 30 * SECOND;

/** Ends the renewal of the fence in the statement that stores. The secret is locked before the renewal, as it is where a secret is deleted. */
const EXCHANGE = `
  with seen as (select 1 from vault where name = :name and version = :version for update),
  held as (
    update grant_renewal set held_until = null, renewed_at = clock_timestamp()
    where connection_id = :connectionId and fence = :fence and held_until is not null and exists (select 1 from seen) returning 1
  )
  update vault set sealed = :hidden where name = :name and version = :version
    and (:fence::bigint is null or exists (select 1 from held)) returning version`;

/**
 * The secret is locked first, so that a version that is being stored at this moment is waited for: who began with the one before would have the vendor
 * renew what was exchanged already.
 */
const BEGIN = `
  insert into grant_renewal (connection_id, held_until)
    select connection_id, clock_timestamp() + $3 * interval '1 millisecond' from vault where name = $1 and version = $2 for share
  on conflict (connection_id) do update set fence = excluded.fence, held_until = excluded.held_until
  where grant_renewal.held_until is null or grant_renewal.held_until < clock_timestamp()
  returning fence`;

/** What is known of renewals without opening a secret. */
const standingOf = (sql: Sql): Pick<Vault, 'isRenewing' | 'isDormant'> => ({
  isRenewing: async (connectionId) => {
    const held = 'select 1 from grant_renewal where connection_id = $1 and held_until > clock_timestamp()';
    return (await sql.query(held, [connectionId])).length > 0;
  },
  isDormant: async (connectionId, days) => {
    const rows = await sql.query(
      `select 1 from vault v left join grant_renewal g on g.secret = v.name
       where v.name = $1 and coalesce(g.renewed_at, v.created_at) < clock_timestamp() - $2 * interval '1 day'`,
      [secretName(connectionId), days],
    );
    return rows.length > 0;
  },
});

/** The leases under which the secrets of connections are renewed, and the versions that they exchange. */
export const renewalsOf = (
  sql: Sql,
  accountOf: AccountOf,
): Pick<Vault, 'secretSeen' | 'exchangeSecret' | 'beginRenewal' | 'endRenewal' | 'isRenewing' | 'isDormant'> => ({
  secretSeen: async (userId, connectionId) => {
    const { key, secret } = await accountOf(userId, connectionId);
    const clear = secret === undefined ? null : openBytes(key, secretName(connectionId), secret.sealed);
    return { secret: openSecret(clear), version: secret?.version ?? '' };
  },
  exchangeSecret: async (userId, connectionId, version, secret, fence = null) => {
    const name = secretName(connectionId);
    const { key } = await accountOf(userId, connectionId);
    const hidden = sealSecret(key, name, secret);
    const [stored] = await sql.query<{ version: string }>(...named(EXCHANGE, { name, connectionId, version, hidden, fence }));
    return stored?.version ?? null;
  },
  beginRenewal: async (connectionId, version) => {
    const [row] = await sql.query<{ fence: string }>(BEGIN, [secretName(connectionId), version, HELD]);
    return row?.fence ?? null;
  },
  endRenewal: async (connectionId, fence) => {
    await sql.query('update grant_renewal set held_until = null where connection_id = $1 and fence = $2', [connectionId, fence]);
  },
  ...standingOf(sql),
});
