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
  /** Of what an account was asked for between two moments: the milliseconds in which a simulator was at it, and whether it failed once. */
  between: (account: string, from: number, to: number) => Readonly<{ milliseconds: number; failed: boolean }>;
  counts: () => Readonly<{ requests: number; throttled: number; unavailable: number; cut: number; expired: number }>;
}>;

const NONE = { requests: 0, throttled: 0, unavailable: 0, cut: 0, expired: 0 };

/** More than a reading has. */
const KEPT = 60;

const isGood = ({ status, cut }: Asked): boolean => status < 400 && !cut;

/** How long at least one of the requests was under way. */
const covered = (asked: readonly Asked[], from: number, to: number): number => {
  let [sum, reached] = [0, from];
  for (const { at } of asked) {
    const end = Math.min(to, at + LATENCY);
    if (end > reached) sum += end - Math.max(reached, at);
    reached = Math.max(reached, end);
  }
  return sum;
};

export const askedLog = (): AskedLog => {
  const last = new Map<string, Asked[]>();
  const ended = new Set<string>();
  const tooMany: string[] = [];
  let counts = { ...NONE };
  return {
    note: (asked) => {
      const { account, path, status, cut } = asked;
      const kept = last.get(account) ?? [];
      if (kept.push(asked) > KEPT) kept.shift();
      last.set(account, kept);
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
      const asked = (last.get(account) ?? []).filter(({ at }) => at >= from && at <= to);
      return { milliseconds: covered(asked, from, to), failed: !asked.every(isGood) };
    },
    counts: () => counts,
  };
};
