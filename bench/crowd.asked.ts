import { LATENCY } from './account.vendor.js';
import { type Asked } from './crowd.vendors.js';

/** What the simulators saw of each account. */
export type AskedLog = Readonly<{
  note: (asked: Asked) => void;
  /** Counts from here on. */
  begin: () => void;
  /** From now on every request about an account is one too many. */
  end: (account: string) => void;
  /** Requests after the end of their account: `<account> <path>`. */
  tooMany: readonly string[];
  /**
   * Of what an account was asked for between two moments: the milliseconds in which a simulator was at it, and whether it failed once, then or so shortly
   * before that its reading still waited for another try.
   */
  between: (account: string, from: number, to: number) => Readonly<{ milliseconds: number; failed: boolean }>;
  counts: () => Readonly<{ requests: number; throttled: number; unavailable: number; cut: number; expired: number }>;
}>;

const NONE = { requests: 0, throttled: 0, unavailable: 0, cut: 0, expired: 0 };

/** More than a reading has. */
const KEPT = 60;

/** A request, and when the simulator's wait for it was over; Infinity while it is not. */
type Kept = Asked & { until: number };

/** The longest pause before a request is made again for the first time, in milliseconds. */
const PAUSE = 3_000;

const isGood = ({ status, cut }: Asked): boolean => status < 400 && !cut;

/** How long at least one of the requests was under way. */
const covered = (asked: readonly Kept[], from: number, to: number): number => {
  let [sum, reached] = [0, from];
  for (const { at, until } of asked) {
    const end = Math.min(to, until);
    if (end > reached) sum += end - Math.max(reached, at);
    reached = Math.max(reached, end);
  }
  return sum;
};

export const askedLog = (): AskedLog => {
  const last = new Map<string, Kept[]>();
  const ended = new Set<string>();
  const tooMany: string[] = [];
  let counts = { ...NONE };
  return {
    note: (asked) => {
      const { account, path, status, cut } = asked;
      const all = last.get(account) ?? [];
      const kept: Kept = { ...asked, until: Infinity };
      if (all.push(kept) > KEPT) all.shift();
      last.set(account, all);
      // The simulators wait in this process by a timer like this one. Where the process is busy, both are late, and so is the answer.
      setTimeout(() => {
        kept.until = performance.now();
      }, LATENCY).unref();
      counts.requests += 1;
      if (status === 429) counts.throttled += 1;
      if (status === 503) counts.unavailable += 1;
      if (cut) counts.cut += 1;
      if (status === 410) counts.expired += 1;
      if (ended.has(account)) tooMany.push(`${account} ${path}`);
    },
    begin: () => {
      counts = { ...NONE };
    },
    end: (account) => {
      ended.add(account);
    },
    tooMany,
    between: (account, from, to) => {
      const asked = (last.get(account) ?? []).filter(({ at }) => at >= from - PAUSE && at <= to);
      return { milliseconds: covered(asked, from, to), failed: !asked.every(isGood) };
    },
    counts: () => counts,
  };
};
