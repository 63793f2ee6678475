import { createHash } from 'node:crypto';
import { uuidOf } from '../kernel/mark-uuid.js';

/** A UUID of a text, always the same of the same. */
export const uuidFor = (text: string): string => uuidOf(createHash('sha256').update(text).digest('base64url'));
