import { createHash, timingSafeEqual } from 'node:crypto';
import { type Consent } from './grants.js';

export type Headers = (name: string) => string | null;

export const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What a client says of itself, in either way (RFC 6749 2.3.1). */
export const credentialsOf = (header: Headers, form: URLSearchParams): Readonly<{ id: string | null; secret: string | null }> => {
  const [, basic] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header('authorization') ?? '') ?? [];
  if (basic === undefined) return { id: form.get('client_id'), secret: form.get('client_secret') };
  const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
  return { id, secret };
};

/** Compared in constant time. */
export const isSame = (given: string, expected: string): boolean => timingSafeEqual(hashOf(given), hashOf(expected));

/** RFC 7636 4.6. */
export const verifies = (verifier: string, { value, method }: NonNullable<Consent['challenge']>): boolean =>
  (method === 'plain' ? verifier : hashOf(verifier).toString('base64url')) === value;
