import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True for the `authorization` header of this user's name and password (RFC 7617), compared in constant time. */
export const basicAuth = (user: string, password: string): ((authorization: string | undefined) => boolean) => {
  const wanted = digest(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
  return (authorization) => timingSafeEqual(digest(authorization ?? ''), wanted);
};
