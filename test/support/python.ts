import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Beside the other tools that are fetched for tests, in a folder that is ignored. */
const FOLDER = join(import.meta.dirname, '..', '..', '.tools', 'python');

/** Longest that a registry takes to deliver some packages, in milliseconds. */
const PATIENCE = 240_000;

/**
 * A Python with packages of PyPI, each named with its exact version: the path of its `python`. Made when it is first asked for, in a virtual environment
 * of its own; one suite at a time may ask for the same packages.
 */
export const pythonWith = async (packages: readonly string[]): Promise<string> => {
  const wanted = [...packages].sort().join(' ');
  const folder = join(FOLDER, createHash('sha256').update(wanted).digest('hex').slice(0, 12));
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'complete'))) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await run('python3', ['-m', 'venv', folder]).catch((error: unknown) => {
    throw new Error('Python’s virtual environments are missing: apt-get install python3-venv', { cause: error });
  });
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
  await run(python, install, { timeout: PATIENCE });
  await writeFile(join(folder, 'complete'), `${wanted}\n`);
  return python;
};
