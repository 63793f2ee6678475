import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from './engine.js';
import { freePort, isFree } from './free.port.js';

/** The file's text, or null when there is no such file. */
export const readIfThere = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
};

/** Writes a file only its owner can read, whole or not at all: a crash leaves the old one. */
export const writePrivately = async (path: string, text: string): Promise<void> => {
  // Searchable by others, so that an engine running as another user reaches its own folder inside.
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
};

/** What the file says; made and written down the first time. */
const remembered = async (path: string, make: () => string): Promise<string> => {
  const found = await readIfThere(path);
  if (found !== null && found !== '') return found;
  const made = make();
  await writePrivately(path, made);
  return made;
};

/** A random password of 32 characters that needs no escaping, made once and kept in `<dataDir>/<name>.password`. */
export const rememberedPassword = (dataDir: string, name: string): Promise<string> =>
  remembered(join(dataDir, `${name}.password`), () => randomBytes(24).toString('base64url'));

/** The port of last time when `keep` allows or it is free, else a free one, kept in `<dataDir>/<name>.port`. */
export const rememberedPort = async (dataDir: string, name: string, keep: (port: number) => Promise<boolean>): Promise<number> => {
  const path = join(dataDir, `${name}.port`);
  const last = Number(await readIfThere(path));
  if (last > 0 && ((await isFree(last)) || (await keep(last)))) return last;
  const port = await freePort();
  await writePrivately(path, String(port));
  return port;
};
