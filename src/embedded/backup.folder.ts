import { chmod, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from './engine.js';
import { readIfThere } from './remembered.file.js';
import { copyCluster, placeCluster } from './postgres.backup.js';

/** What the engines must find again to open what they kept; ports and process ids belong to the machine. */
const KEPT = /^(master\.key|(postgres|eventstore)\.(password|key|crt))$/;

const FORMAT = 1;
const MANIFEST = 'backup.json';

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });

const copySecrets = async (from: string, to: string): Promise<void> => {
  for (const name of (await namesIn(from)).filter((each) => KEPT.test(each))) {
    await copyFile(join(from, name), join(to, name));
    await chmod(join(to, name), 0o600);
  }
};

/**
 * Copies everything a service on embedded engines keeps into a new folder, while it runs: read models, vault and log of one instant, with the keys
 * made in `dataDir`. A back-up that did not come to its end is not there. Answers whether the master key is in it.
 */
export const backUp = async (dataDir: string, databaseUrl: string, to: string, at: string): Promise<Readonly<{ withKey: boolean }>> => {
  const [source, target] = [resolve(dataDir), resolve(to)];
  if ((await namesIn(target)).length > 0) throw new Error(`${to} is not empty: name a new folder`);
  const draft = `${target}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await copyCluster(databaseUrl, join(source, 'postgres'), join(draft, 'postgres'));
  await copySecrets(source, draft);
  const withKey = (await namesIn(draft)).includes('master.key');
  await writeFile(join(draft, MANIFEST), `${JSON.stringify({ format: FORMAT, at, withKey })}\n`, { mode: 0o600 });
  await rm(target, { recursive: true, force: true });
  await rename(draft, target);
  return { withKey };
};

/** Puts a back-up into a data folder that has no data yet. Answers when it was made, and whether the master key was in it. */
export const restoreInto = async (dataDir: string, from: string): Promise<Readonly<{ at: string; withKey: boolean }>> => {
  const [source, target] = [resolve(from), resolve(dataDir)];
  const manifest = await readIfThere(join(source, MANIFEST));
  if (manifest === null) throw new Error(`${from} holds no whole back-up: there is no ${MANIFEST}`);
  const { format, at, withKey } = JSON.parse(manifest) as { format: number; at: string; withKey: boolean };
  if (format !== FORMAT) throw new Error(`${from} was made by another version of this program`);
  if ((await namesIn(target)).includes('postgres'))
    throw new Error(`${dataDir} holds data already: set DATA_DIR to a new folder, or move it away`);
  await mkdir(target, { recursive: true, mode: 0o711 });
  const draft = join(target, 'postgres.restored');
  await rm(draft, { recursive: true, force: true });
  await placeCluster(join(source, 'postgres'), target, draft);
  await copySecrets(source, target);
  await rename(draft, join(target, 'postgres'));
  return { at, withKey };
};
