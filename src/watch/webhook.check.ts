import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Hint } from '../provider/push.js';
import { type KnownChannel } from './webhook.sql.js';

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

/** Stands for the hash of a channel that there is not. Nothing is known that it is the hash of. */
const NO_TOKEN = new Uint8Array(randomBytes(32));

/**
 * Whether a hint comes from who was given the channel's token, and is about what the channel was opened for. It takes equally long in every case, also
 * when there is no such channel. What the service calls the channel may not be known yet: then the token alone decides.
 */
export const isProved = ({ token, remote }: Pick<Hint, 'token' | 'remote'>, channel: KnownChannel | null): boolean => {
  const hasToken = timingSafeEqual(sha256(token ?? ''), channel?.tokenHash ?? NO_TOKEN);
  const isAbout = timingSafeEqual(sha256(remote ?? ''), sha256(channel?.remote ?? remote ?? ''));
  return hasToken && isAbout && token !== null && channel !== null;
};
