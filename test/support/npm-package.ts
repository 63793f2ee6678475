import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { fetched, PATIENCE } from './fetched.js';

/** The path of a file in a package of npm, named with its exact version, that is too large to be installed for every run, or of use to few tests. */
export const fileOfPackage = async (name: string, version: string, path: string): Promise<string> => {
  const folder = await fetched('npm', [`${name}@${version}`], async (into) => {
    await writeFile(join(into, 'package.json'), '{}');
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`];
    await promisify(execFile)('npm', install, { cwd: into, timeout: PATIENCE });
  });
  return join(folder, 'node_modules', name, path);
};

/** A module of such a package: what `path` in it exports. */
export const moduleOf = async (name: string, version: string, path: string): Promise<unknown> =>
  import(pathToFileURL(await fileOfPackage(name, version, path)).href);
