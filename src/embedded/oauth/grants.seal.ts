import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type Seal } from './grants.js';

const Sealed = z.object({ account: z.string(), scopes: z.array(z.string()) });

const random = (): string => randomBytes(24).toString('base64url');

/** `prefix`: what refresh tokens begin with. */
export const sealWith = (key: string, prefix: string): Seal => {
  const markOf = (content: string): Buffer => createHmac('sha256', key).update(content).digest();
  return {
    random,
    close: (held) => {
      const content = Buffer.from(JSON.stringify({ ...held, random: random() })).toString('base64url');
      return `${prefix}${content}.${markOf(content).toString('base64url')}`;
    },
    open: (token) => {
      const [, content = '', mark = ''] = /^([\w-]+)\.([\w-]{43})$/.exec(token.startsWith(prefix) ? token.slice(prefix.length) : '') ?? [];
      const given = Buffer.from(mark, 'base64url');
      const expected = markOf(content);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      return Sealed.parse(JSON.parse(Buffer.from(content, 'base64url').toString()));
    },
  };
};
