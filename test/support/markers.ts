import { randomBytes } from 'node:crypto';
import { type Markers } from '../../src/infra/http/cause.interceptor.js';
import { marker } from '../../src/infra/vault/sealing.aes.js';

/** For what is not about keys: everybody has one that is as good as any. */
export const ANY_MARKERS: Markers = { marker: () => Promise.resolve(marker(randomBytes(32))) };
