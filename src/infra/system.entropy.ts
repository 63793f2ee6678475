import { randomInt, randomUUID } from 'node:crypto';
import { type Entropy } from '../kernel/entropy.js';

/** The machine's own chance. */
export const systemEntropy: Entropy = { uuid: () => randomUUID(), fraction: () => randomInt(2 ** 32) / 2 ** 32 };
