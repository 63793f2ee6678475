/**
 * Sealing under a person's or a connection's key. `Sealer` is AES-256-GCM; `object` names what is sealed and is authenticated with it, so
 * that a ciphertext moved to another row does not open. Everything is base64 text.
 */
export type Sealer = Readonly<{
  seal: (object: string, clear: string) => string;
  /** The clear text; throws when the bytes or the object are not what was sealed. */
  open: (object: string, sealed: string) => string;
}>;

/** Keyed hash under the subject's key: equal things of one person have equal marks, and nobody else can compute them. */
export type Marker = (purpose: string, value: string) => string;

/** The key is gone (revoked or erased), so what it sealed is gone for ever. */
export class KeyDestroyed extends Error {
  override readonly name = 'KeyDestroyed';
}

/** What a connection keeps to reach its account; only ever in the vault. */
export type Secret = Readonly<Record<string, string>>;

/** Keys: master → subject → connection, each wrapped by the one before; secrets sealed under the connection's. */
export type Vault = Readonly<{
  /** The subject's sealer, its key made on first use. */
  subject: (userId: string) => Promise<Sealer>;
  marker: (userId: string) => Promise<Marker>;
  /** Throws `KeyDestroyed` after `destroyConnection`. */
  connection: (userId: string, connectionId: string) => Promise<Sealer>;
  /** Sealers of all connections of a person, by connection id; without those whose key is destroyed. */
  connections: (userId: string) => Promise<ReadonlyMap<string, Sealer>>;
  /** Stores the connection's secret, and its new key, as pending until `activate`: what is never activated is swept. What is there stays. */
  keep: (userId: string, connectionId: string, secret: Secret) => Promise<void>;
  activate: (connectionId: string) => Promise<void>;
  /** New credentials for the same account; the connection's key stays, so what it sealed stays readable. */
  replaceSecret: (userId: string, connectionId: string, secret: Secret) => Promise<void>;
  secret: (userId: string, connectionId: string) => Promise<Secret>;
  /** Removes secret and key for good; repeating it is harmless. */
  destroyConnection: (connectionId: string) => Promise<void>;
  /** Connections whose rows have stayed pending since before an instant (RFC 3339). */
  pendingSince: (olderThan: string) => Promise<readonly string[]>;
}>;

/** DI token of the `Vault`. */
export const VAULT = Symbol('Vault');

/** Sealers of a person's connections by id. One whose key is being destroyed at this moment is left out: what it sealed is as good as gone. */
export const sealersOf = async (vault: Vault, userId: string, connectionIds: Iterable<string>): Promise<ReadonlyMap<string, Sealer>> => {
  const sealers = new Map<string, Sealer>();
  for (const connectionId of new Set(connectionIds))
    try {
      sealers.set(connectionId, await vault.connection(userId, connectionId));
    } catch (error) {
      if (!(error instanceof KeyDestroyed)) throw error;
    }
  return sealers;
};
