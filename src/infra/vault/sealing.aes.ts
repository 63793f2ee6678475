import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { type Marker, type Sealer } from '../../kernel/vault.js';

const NONCE = 12;
const TAG = 16;

/** Drawing random bytes costs more than sealing a small text: they are drawn for many nonces at once, and each is used once. */
const nonces = { pool: Buffer.alloc(0), used: 0 };
const freshNonce = (): Buffer => {
  if (nonces.used + NONCE > nonces.pool.length) Object.assign(nonces, { pool: randomBytes(NONCE * 512), used: 0 });
  nonces.used += NONCE;
  return nonces.pool.subarray(nonces.used - NONCE, nonces.used);
};

/** AES-256-GCM: 12 bytes nonce, ciphertext, 16 bytes tag. `aad` names what is sealed and whose it is. */
export const sealBytes = (key: Buffer | KeyObject, aad: string, clear: Buffer): Buffer => {
  const nonce = freshNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(aad));
  return Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
};

/** Throws when key, `aad` or a single bit differ from what was sealed. */
export const openBytes = (key: Buffer | KeyObject, aad: string, sealed: Buffer): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final()]);
};

/** Text in, base64 out; `scope` (subject and connection) and object are authenticated together. */
export const sealer = (key: Buffer, scope: string): Sealer => {
  const secret = createSecretKey(key);
  return {
    seal: (object, clear) => sealBytes(secret, `${scope}|${object}`, Buffer.from(clear)).toString('base64'),
    open: (object, sealed) => openBytes(secret, `${scope}|${object}`, Buffer.from(sealed, 'base64')).toString(),
  };
};

/** 128 bits of HMAC-SHA-256 under a key derived for marks alone, in URL-safe letters. */
export const marker = (subjectKey: Buffer): Marker => {
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', subjectKey, '', 'juy.calendar marks', 32)));
  return (purpose, value) => createHmac('sha256', key).update(`${purpose}\n${value}`).digest().subarray(0, 16).toString('base64url');
};
