import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Json } from '../json.js';

/** Signs id tokens. */
export type IdTokens = Readonly<{
  /** What the vendor publishes. */
  certificates: () => Promise<Json>;
  sign: (claims: Json) => Promise<string>;
}>;

const makeKeys = async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = createHash('sha256')
    .update(jwk.n ?? '')
    .digest('hex')
    .slice(0, 40);
  return { privateKey, kid, jwk: { ...jwk, kid, alg: 'RS256', use: 'sig' } };
};

let made: ReturnType<typeof makeKeys> | null = null;

/** Made when they are first needed, once for all servers of a process: a core is busy with it for a fifth of a second. */
const keys = (): ReturnType<typeof makeKeys> => (made ??= makeKeys());

/** OpenID Connect Core 3.1.3.6: the left half of the hash. */
export const halfHash = (token: string): string => createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');

export const idTokens = (): IdTokens => ({
  certificates: async () => ({ keys: [(await keys()).jwk] }),
  sign: async (claims) => {
    const { privateKey, kid } = await keys();
    return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(privateKey);
  },
});
