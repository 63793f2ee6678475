import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Beside the other tools that are fetched for tests, in a folder that is ignored. */
const FOLDER = join(import.meta.dirname, '..', '..', '.tools');

/** Longest that a registry takes to deliver some packages, in milliseconds. */
export const PATIENCE = 240_000;

/**
 * A folder with packages of a registry (`kind`), each named with its exact version. Made when it is first asked for; one suite at a time may ask for the
 * same packages.
 */
export const fetched = async (kind: string, packages: readonly string[], install: (folder: string) => Promise<void>): Promise<string> => {
  const wanted = [...packages].sort().join(' ');
  const folder = join(FOLDER, kind, createHash('sha256').update(wanted).digest('hex').slice(0, 12));
  if (existsSync(join(folder, 'complete'))) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await install(folder);
  await writeFile(join(folder, 'complete'), `${wanted}\n`);
  return folder;
};
