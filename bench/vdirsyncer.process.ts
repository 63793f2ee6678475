import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account } from './raw.caldav.js';
import { timed } from './timing.js';

/** Milliseconds. */
export type VdirsyncerTimes = Readonly<{ version: string; first: number; unchanged: number; objects: number }>;

const PROGRAM = 'vdirsyncer';
const COLLECTION = 'copy';

const configuration = (folder: string, calendar: string, { user, password }: Account): string => {
  const name = new URL(calendar).pathname.split('/').at(-2) ?? '';
  const home = new URL('..', calendar).href;
  return `[general]
status_path = "${folder}/status/"

[pair bench]
a = "here"
b = "there"
collections = [["${COLLECTION}", "${COLLECTION}", "${name}"]]

[storage here]
type = "filesystem"
path = "${folder}/calendars/"
fileext = ".ics"

[storage there]
type = "caldav"
url = "${home}"
username = "${user}"
password = "${password}"
`;
};

const run = (folder: string, ...parameters: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, ['--verbosity', 'ERROR', '--config', join(folder, 'config'), ...parameters], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`vdirsyncer ${parameters.join(' ')} failed: ${said.trim().split('\n').at(-1) ?? ''}`));
    });
  });

/** First sync of a calendar into an empty folder, and another one with nothing to do; null where vdirsyncer is not installed. */
export const measureVdirsyncer = async (calendar: string, account: Account): Promise<VdirsyncerTimes | null> => {
  const { status, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return null;
  const folder = await mkdtemp(join(tmpdir(), 'bench-vdirsyncer-'));
  try {
    const target = join(folder, 'calendars', COLLECTION);
    await mkdir(target, { recursive: true });
    await writeFile(join(folder, 'config'), configuration(folder, calendar, account), { mode: 0o600 });
    await run(folder, 'discover');
    const { milliseconds: first } = await timed(() => run(folder, 'sync'));
    const { milliseconds: unchanged } = await timed(() => run(folder, 'sync'));
    const objects = (await readdir(target)).filter((name) => name.endsWith('.ics')).length;
    return { version: /[\d.]+/.exec(stdout)?.[0] ?? '', first, unchanged, objects };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
