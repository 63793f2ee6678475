import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readIfThere, writePrivately } from './remembered.file.js';
import { isRunning } from './supervisor.process.js';

/** What the programs that own a data folder are called: the service, and the event store alone. */
const PROGRAMS = ['main.js', 'eventstore.tool.js'];

const isOwner = async (pid: number): Promise<boolean> => {
  for (const program of PROGRAMS) if (await isRunning(pid, program)) return true;
  return false;
};

/** The living process that runs the folder's engines; null when there is none but, perhaps, this one. */
const ownerOf = async (dataDir: string): Promise<number | null> => {
  const owner = Number(await readIfThere(join(dataDir, 'owner.pid')));
  return owner > 0 && owner !== process.pid && (await isOwner(owner)) ? owner : null;
};

/**
 * Makes this process the folder's owner until it lets go or dies. Rejects while another one lives: both would run the same engines, and each
 * would stop the other's.
 */
export const ownFolder = async (dataDir: string): Promise<() => Promise<void>> => {
  const file = join(dataDir, 'owner.pid');
  const owner = await ownerOf(dataDir);
  if (owner !== null) {
    throw new Error(
      `another process (${owner}) runs the engines in ${dataDir}: stop it, set DATA_DIR to another folder, or share its engines by DATABASE_URL and EVENTSTORE_URL`,
    );
  }
  await writePrivately(file, String(process.pid));
  return () => rm(file, { force: true });
};

/** Addresses, passwords in them, by which a tool on the same machine reaches the engines of a running owner. */
export type Addresses = Readonly<{ databaseUrl: string; eventStoreUrl: string }>;

const addressFile = (dataDir: string): string => join(dataDir, 'engines.json');

/** Leaves word for such tools; only the folder's owner can read it. */
export const leaveAddresses = (dataDir: string, { databaseUrl, eventStoreUrl }: Addresses): Promise<void> =>
  writePrivately(addressFile(dataDir), JSON.stringify({ databaseUrl, eventStoreUrl }));

/** A word of a shell that stands for just this text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Writes variables into `<dataDir>/engines.env`, as a shell reads them; only the folder's owner can read it. Answers the file's path. */
export const leaveEnvironment = async (dataDir: string, variables: Readonly<Record<string, string>>): Promise<string> => {
  const file = join(resolve(dataDir), 'engines.env');
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  await writePrivately(file, lines.join(''));
  return file;
};

/** Where the engines are that another process runs in this folder; null when none does. */
export const addressesOfOwner = async (dataDir: string): Promise<Addresses | null> => {
  if ((await ownerOf(dataDir)) === null) return null;
  const text = await readIfThere(addressFile(dataDir));
  return text === null ? null : (JSON.parse(text) as Addresses);
};
