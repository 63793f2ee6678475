import { chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { codeOf } from './engine.js';
import { launcherFor } from './unprivileged.process.js';

/** Files of the moment or of that server only; each server makes its own. */
const FILES_LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'backup_label', 'tablespace_map', 'pg_internal.init']);
const FOLDERS_LEFT_EMPTY = new Set([
  'pg_wal',
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

type Visit = (from: string, to: string, kind: 'file' | 'folder') => Promise<void>;

/** Walks a folder while a server changes it: what vanishes meanwhile was not needed. */
const walk = async (from: string, to: string, isWanted: (name: string) => boolean, visit: Visit): Promise<void> => {
  await visit(from, to, 'folder');
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await (isWanted(entry.name) ? walk(source, target, isWanted, visit) : visit(source, target, 'folder'));
    else if (entry.isFile() && isWanted(entry.name))
      await visit(source, target, 'file').catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
  }
};

const copy: Visit = (from, to, kind) =>
  kind === 'file' ? copyFile(from, to) : mkdir(to, { recursive: true, mode: 0o700 }).then(() => undefined);

/**
 * Copies the cluster of a running server, all its databases as they are at one instant, while it goes on working (PostgreSQL manual, 25.3.3). `url`
 * leads to any of its databases as its superuser, `folder` is where it has its data.
 */
export const copyCluster = async (url: string, folder: string, to: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Keeps the write-ahead log from the start on until it has been copied; gone with this session.
    await client.query(`select pg_create_physical_replication_slot('backup_' || pg_backend_pid(), true, true)`);
    await client.query(`select pg_backup_start('backup', fast => true)`);
    await walk(folder, to, (name) => !FILES_LEFT_OUT.has(name) && !FOLDERS_LEFT_EMPTY.has(name) && !name.startsWith('pgsql_tmp'), copy);
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(wait_for_archive => false)');
    await writeFile(join(to, 'backup_label'), rows[0]?.labelfile ?? '', { mode: 0o600 });
    await walk(join(folder, 'pg_wal'), join(to, 'pg_wal'), () => true, copy);
  } finally {
    await client.end();
  }
};

/** Puts such a copy where a server will start on it, owned by the user it will run as; that server first goes through the log it came with. */
export const placeCluster = async (from: string, dataDir: string, to: string): Promise<void> => {
  const { owner } = launcherFor([dataDir]);
  await walk(
    from,
    to,
    () => true,
    async (source, target, kind) => {
      await copy(source, target, kind);
      if (owner !== null) await chown(target, owner.uid, owner.gid);
    },
  );
};
