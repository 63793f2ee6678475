import { InvalidRequest } from './invalid-request.js';

/** The `ETag` of a resource whose stream stands at a revision. */
export const etag = (revision: bigint): string => `"${revision}"`;

/** What `If-Match` may hold where a resource is one stream, as a JSON Schema. */
export const REVISION_TAG = { type: 'string', pattern: '^([*]|(W/)?"[0-9]{1,18}")$' } as const;

/** The same where a resource is made of several streams. */
export const ENTITY_TAG = { type: 'string', pattern: '^([*]|(W/)?"[A-Za-z0-9_-]{1,64}")$' } as const;

/** The revision an `If-Match` header asks for; null when there is none, or any will do (`*`). RFC 9110 section 13.1.1. */
export const expectedRevision = (ifMatch: string | undefined): bigint | null => {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const digits = /^\s*(?:W\/)?"(\d{1,19})"\s*$/.exec(ifMatch)?.[1];
  if (digits === undefined) throw new InvalidRequest([{ path: 'If-Match', message: 'must be an ETag this service gave, such as "4"' }]);
  return BigInt(digits);
};

/** The entity tag an `If-Match` header asks for, of a resource that is made of several streams; null when there is none, or any will do (`*`). */
export const expectedTag = (ifMatch: string | undefined): string | null => {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const tag = /^\s*(?:W\/)?("[\w-]{1,64}")\s*$/.exec(ifMatch)?.[1];
  if (tag === undefined) throw new InvalidRequest([{ path: 'If-Match', message: 'must be an ETag this service gave' }]);
  return tag;
};
