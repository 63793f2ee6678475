import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetched, PATIENCE } from './fetched.js';

const run = promisify(execFile);

/** A Python with packages of PyPI, each named with its exact version, in a virtual environment of its own: the path of its `python`. */
export const pythonWith = async (packages: readonly string[]): Promise<string> => {
  const folder = await fetched('python', packages, async (into) => {
    await run('python3', ['-m', 'venv', into]).catch((error: unknown) => {
      throw new Error('Python’s virtual environments are missing: apt-get install python3-venv', { cause: error });
    });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    await run(join(into, 'bin', 'python'), install, { timeout: PATIENCE });
  });
  return join(folder, 'bin', 'python');
};
