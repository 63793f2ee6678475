import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Kilobytes by the name of a process or group of processes; empty where there is no `/proc`. */
export type Peaks = ReadonlyMap<string, number>;

type Process = Readonly<{ pid: number; parent: number; command: string; peak: number; shared: number }>;

const SAMPLE = 500;

const numberIn = (status: string, field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);

/** What proc(5) says of a process; null of one that has just ended. `peak` is VmHWM, `shared` what of it is memory shared with others. */
const processOf = (pid: number): Process | null => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return { pid, parent: numberIn(status, 'PPid'), command, peak: numberIn(status, 'VmHWM'), shared: numberIn(status, 'RssShmem') };
  } catch {
    return null;
  }
};

const allProcesses = (): readonly Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)))
    .filter((each) => each !== null);

const descendantsOf = (pid: number, all: readonly Process[]): readonly Process[] =>
  all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...descendantsOf(child.pid, all)]);

/** Several processes of one program: what they share counts once. */
const together = (processes: readonly Process[]): number =>
  processes.reduce((sum, { peak, shared }) => sum + peak - shared, 0) + Math.max(0, ...processes.map(({ shared }) => shared));

const groupsOf = (servicePid: number): ReadonlyMap<string, readonly Process[]> => {
  const all = allProcesses();
  const below = descendantsOf(servicePid, all);
  const isPostgres = ({ command }: Process): boolean => /(^|\/)postgres[ :]/.test(command);
  return new Map([
    ['service', all.filter(({ pid }) => pid === servicePid)],
    ['event store', below.filter(({ command }) => command.includes('eventstore.main'))],
    ['PostgreSQL', below.filter(isPostgres)],
    ['Radicale', all.filter(({ parent, command }) => parent === process.pid && command.includes('radicale'))],
  ]);
};

/** Watches the service, what it has started and Radicale; `stop` answers the highest figures seen. */
export const watchMemory = (servicePid: () => number): Readonly<{ stop: () => Peaks }> => {
  const peaks = new Map<string, number>();
  const sample = (): void => {
    if (!existsSync('/proc/self/status')) return;
    for (const [name, processes] of groupsOf(servicePid())) peaks.set(name, Math.max(peaks.get(name) ?? 0, together(processes)));
  };
  const timer = setInterval(sample, SAMPLE);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return peaks;
    },
  };
};
