import { join } from 'node:path';
import { type Log } from './engine.js';
import { readIfThere, writePrivately } from './remembered.file.js';

/** Where a sandbox is started again. `name`: of its file in `<dataDir>`; `title`: in messages. */
export type Again = Readonly<{ dataDir: string; name: string; title: string; port: number; log: Log }>;

/** Starts a sandbox where it was last time, as the accounts connected to it expect. */
export const startedAgain = async <S extends Readonly<{ port: number }>>(
  { dataDir, name, title, port, log }: Again,
  start: (port: number) => Promise<S>,
): Promise<S> => {
  const path = join(dataDir, `${name}.port`);
  const last = Number(await readIfThere(path));
  const sandbox = await start(last > 0 ? last : port);
  if (last > 0 && sandbox.port !== last) log(`the ${title} had to move to another port; accounts connected to it must be connected again`);
  if (sandbox.port !== last) await writePrivately(path, String(sandbox.port));
  return sandbox;
};
