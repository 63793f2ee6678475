import { spawnSync } from 'node:child_process';

/** How to run a program that refuses to run as root. `owner` owns the files it writes; null: the user who runs the service. */
export type Launcher = Readonly<{
  owner: Readonly<{ uid: number; gid: number }> | null;
  command: (
    program: string,
    args: readonly string[],
  ) => readonly [file: string, args: readonly string[], identity: { uid?: number; gid?: number }];
}>;

const idOf = (flag: '-u' | '-g', user: string): number | null => {
  const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : null;
};

/** Debian and the Postgres images have a `postgres` user, everything else at least `nobody`; none is created. */
const someUser = (): { uid: number; gid: number } => {
  for (const user of ['postgres', 'nobody']) {
    const uid = idOf('-u', user);
    const gid = idOf('-g', user);
    if (uid !== null && gid !== null) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root and this machine has neither a user postgres nor a user nobody: start the service as an ordinary user',
  );
};

const plainly = (owner: { uid: number; gid: number }): Launcher => ({ owner, command: (program, args) => [program, args, owner] });

/**
 * Keeps the one capability that passes folders only root may enter, such as a clone in root's home or in a `mktemp -d`. Without the
 * securebit the kernel drops it with the change of user (capabilities(7)).
 */
const passingClosedFolders = ({ uid, gid }: { uid: number; gid: number }): Launcher => ({
  owner: { uid, gid },
  command: (program, args) => [
    'setpriv',
    [
      '--securebits=+no_setuid_fixup',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      '--inh-caps=-all,+dac_override',
      '--ambient-caps=-all,+dac_override',
      '--bounding-set=-all,+dac_override',
      program,
      ...args,
    ],
    {},
  ],
});

/** The way of running programs under which all `paths`, files to execute and folders to enter, can be reached. */
export const launcherFor = (paths: readonly string[]): Launcher => {
  if (process.getuid?.() !== 0) return { owner: null, command: (program, args) => [program, args, {}] };
  const owner = someUser();
  const reaches = ({ command }: Launcher): boolean => {
    const [file, args, identity] = command('/bin/sh', ['-c', 'for path; do test -x "$path" || exit 1; done', 'sh', ...paths]);
    return spawnSync(file, args, { ...identity, cwd: '/', stdio: 'ignore' }).status === 0;
  };
  const launcher = [plainly(owner), passingClosedFolders(owner)].find(reaches);
  if (launcher === undefined) {
    throw new Error(
      'PostgreSQL does not run as root, and no other user reaches this folder: move it, or start the service as an ordinary user',
    );
  }
  return launcher;
};
