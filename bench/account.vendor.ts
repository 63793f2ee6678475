import { icsOf, type Item } from '../test/support/calendar-item.js';
import { type Change } from './ours.service.js';
import { type Simulator } from './simulator.process.js';

/** What a list of a vendor brings: titles, and what the next list of changes begins at. */
export type Listed = Readonly<{ titles: readonly string[]; token: string }>;

/** The least a client of a vendor can do: pages as large as they may be, one after the other; throws on any status of 300 or more. */
export type RawVendor = Readonly<{
  readAll: () => Promise<Listed>;
  /** What takes place between two instants. */
  readRange: (start: Date, end: Date) => Promise<Listed>;
  /** What changed since a token. */
  changes: (token: string) => Promise<Listed>;
}>;

/** A seeded calendar at a vendor's simulator, and what is in it at the moment. */
export type VendorAccount = Readonly<{
  email: string;
  /** What tells the service where the vendor is. */
  settings: Readonly<Record<string, string>>;
  /** Signs the bare client in. */
  raw: () => Promise<RawVendor>;
  texts: () => Iterable<string>;
  change: Change;
  stop: () => Promise<void>;
}>;

const DAY = 86_400_000;

export const BENCH_PERSON = 'bench@people.example';

/** Milliseconds that each request to a vendor takes longer than its simulator needs. */
export const LATENCY = 40;

/** How a simulator is told of a changed item: where it is, and what it is now. */
type Put = (item: Item) => Readonly<{ path: string; event: Readonly<Record<string, unknown>> }>;

/** The contents of a simulator's calendar, and how one of its single events of the next three weeks gets another title. */
export const changing = ({ url }: Simulator, seeded: readonly Item[], now: Date, put: Put): Pick<VendorAccount, 'texts' | 'change'> => {
  const items = [...seeded];
  const [first = 0, last = 0] = [2, 21].map((days) => now.getTime() + days * DAY);
  const changeable = items.flatMap(({ rule, master: { zone, start } }, index) =>
    rule === null && zone !== null && start >= first && start <= last ? [index] : [],
  );
  return {
    texts: () => items.map(icsOf),
    change: async (title) => {
      const index = changeable.shift();
      const item = index === undefined ? undefined : items[index];
      if (index === undefined || item === undefined) throw new Error('Too few events to change: take more of them (--events).');
      const changed = { ...item, master: { ...item.master, title } };
      items[index] = changed;
      const { path, event } = put(changed);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(url + path, { method: 'PUT', headers, body: JSON.stringify(event) });
      if (!answer.ok) throw new Error(`The simulator answered ${answer.status} to a change.`);
      return { day: new Date(item.master.start).toISOString().slice(0, 10) };
    },
  };
};
