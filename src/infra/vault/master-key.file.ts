import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const LENGTH = 32;

/**
 * Reads a file of 32 bytes in base64. With `create` a missing file is made, readable by its owner alone; two processes that make it at once
 * end with the same key. Throws when the file holds anything else: a wrong key would open nothing and seal what can never be opened later.
 */
export const masterKeyFile = (path: string, create: boolean): Buffer => {
  if (create) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(path, `${randomBytes(LENGTH).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  if (key.length !== LENGTH) throw new Error(`${path} does not hold 32 bytes in base64`);
  return key;
};
