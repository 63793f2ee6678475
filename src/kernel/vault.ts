/**
 * Sealing under a person's or a connection's key. `Sealer` is AES-256-GCM; `object` names what is sealed and is authenticated with it, so
 * that a ciphertext moved to another row does not open. Everything is base64 text.
 */
export type Sealer = Readonly<{
  seal: (object: string, clear: string) => string;
  /** The clear text; throws when the bytes or the object are not what was sealed. */
  open: (object: string, sealed: string) => string;
}>;

/** Keyed hash under the subject's key: equal things of one person have equal marks, and without the key they cannot be computed. */
export type Marker = (purpose: string, value: string) => string;

/** The key is gone (revoked or erased), so what it sealed can never be opened again. */
export class KeyDestroyed extends Error {
  override readonly name = 'KeyDestroyed';
}

/** The connection's key is there and its credentials are not: its owner has to give them again. */
export class SecretMissing extends Error {
  override readonly name = 'SecretMissing';
}

/** A live connection of the same person holds this account already. */
export class AccountTaken extends Error {
  override readonly name = 'AccountTaken';
  constructor(readonly connectionId: string) {
    super(`the account belongs to connection ${connectionId}`);
  }
}

/** What a connection keeps to reach its account; only ever in the vault. */
export type Secret = Readonly<Record<string, string>>;

/** A secret and the number of its version: each version that is stored has one of its own. */
export type SeenSecret = Readonly<{ secret: Secret; version: string }>;

/**
 * Keys: master → subject → connection, each wrapped by the one before; secrets sealed under the connection's. A key that was destroyed leaves a
 * tombstone: it is never made again, and each call for it throws `KeyDestroyed`.
 */
export type Vault = Readonly<{
  /** The subject's sealer, its key made on first use. Throws `KeyDestroyed` after that key was destroyed. */
  subject: (userId: string) => Promise<Sealer>;
  marker: (userId: string) => Promise<Marker>;
  /** Keyed hash under a key of this service: equal things have equal marks for all people and in all processes. */
  serviceMarker: () => Promise<Marker>;
  /** Throws `KeyDestroyed` after `destroyConnection`. */
  connection: (userId: string, connectionId: string) => Promise<Sealer>;
  /** Sealers of all connections of a person, by connection id; without those whose key is destroyed. */
  connections: (userId: string) => Promise<ReadonlyMap<string, Sealer>>;
  /**
   * Stores the connection's secret, and its new key, as pending until `activate`: what is never activated is swept. What is there stays. `account`:
   * the mark of the account the secret opens, which one live connection of a person holds (`AccountTaken`).
   */
  keep: (userId: string, connectionId: string, secret: Secret, account?: string | null) => Promise<void>;
  activate: (connectionId: string) => Promise<void>;
  /** The mark of the connection's account; null when it was never proved, or is held no more. */
  accountOf: (connectionId: string) => Promise<string | null>;
  /** Gives the connection the account it was proved to open; `AccountTaken` when another live one of the person holds it. */
  holdAccount: (userId: string, connectionId: string, account: string) => Promise<void>;
  /**
   * Notes which account at its service the secret of a connection opens, for services that know one grant for each account. `account`: as the service
   * knows it; kept as a hash under a key of this service, so that connections of two people can be told to open the same one.
   */
  noteGrant: (connectionId: string, account: string) => Promise<void>;
  /** Whether another connection, of whichever person, opens the account that was noted for this one. */
  isGrantShared: (connectionId: string) => Promise<boolean>;
  /** From now on another connection may hold the account. */
  releaseAccount: (connectionId: string) => Promise<void>;
  /** New credentials for the same account, also when the old ones are missing; the connection's key stays, so what it sealed stays readable. */
  replaceSecret: (userId: string, connectionId: string, secret: Secret) => Promise<void>;
  /** Throws `SecretMissing` when only the secret is gone, `KeyDestroyed` when the key is. */
  secret: (userId: string, connectionId: string) => Promise<Secret>;
  /** The secret with its version. Throws as `secret` does. */
  secretSeen: (userId: string, connectionId: string) => Promise<SeenSecret>;
  /**
   * Stores a secret in place of the version that was seen, and answers the version it is. Null, and nothing is stored, when another version is there,
   * or when `fence` is given and its renewal has ended or was taken over. Ends the renewal of `fence`.
   */
  exchangeSecret: (userId: string, connectionId: string, version: string, secret: Secret, fence?: string | null) => Promise<string | null>;
  /**
   * Leave to renew the secret of the version that was seen, for half a minute: a fence, a number that no other renewal has. Null while another process
   * has it, and when another version is there or the secret is gone.
   */
  beginRenewal: (connectionId: string, version: string) => Promise<string | null>;
  /** Ends a renewal that brought nothing; harmless when it was taken over. */
  endRenewal: (connectionId: string, fence: string) => Promise<void>;
  /** Whether a process has leave to renew the secret at this moment. */
  isRenewing: (connectionId: string) => Promise<boolean>;
  /** Whether the secret was neither renewed nor given for so many days. */
  isDormant: (connectionId: string, days: number) => Promise<boolean>;
  /**
   * Destroys the connection's key and keeps its secret alone, sealed again under the subject's, so that the grant can be given back. In one step,
   * and harmless when repeated.
   */
  setSecretAside: (userId: string, connectionId: string) => Promise<void>;
  /** The secret that was set aside; null when there is none. */
  secretAside: (userId: string, connectionId: string) => Promise<Secret | null>;
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
