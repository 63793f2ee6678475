import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writePrivately } from './remembered.file.js';
import { isRunning } from './supervisor.process.js';

/** What every program that owns a data folder is called. */
const PROGRAMS = 'main.js';

/**
 * Makes this process the folder's owner until it lets go or dies. Rejects while another one lives: both would run the same engines, and each
 * would stop the other's.
 */
export const ownFolder = async (dataDir: string): Promise<() => Promise<void>> => {
  const file = join(dataDir, 'owner.pid');
  const owner = Number(await readIfThere(file));
  if (owner > 0 && owner !== process.pid && (await isRunning(owner, PROGRAMS))) {
    throw new Error(
      `another process (${owner}) runs the engines in ${dataDir}: stop it, set DATA_DIR to another folder, or share its engines by DATABASE_URL and EVENTSTORE_URL`,
    );
  }
  await writePrivately(file, String(process.pid));
  return () => rm(file, { force: true });
};
