import { type BenchAccount } from './account.radicale.js';
import { type VendorAccount } from './account.vendor.js';
import { median, timed } from './timing.js';

/** Milliseconds a bare HTTP client needs for the same data. */
export type Baseline = Readonly<{ everything: number; objects: number; soon: number; oneChange: number }>;

export type VendorBaseline = Omit<Baseline, 'objects'>;

const ROUNDS = 5;

/** One calendar-query with all data, one for the next 30 days, and one sync-collection with a GET of what changed; the middle of five each. */
export const measureBaseline = async ({ raw, change }: BenchAccount, now: number): Promise<Baseline> => {
  const whole: number[] = [];
  const days: number[] = [];
  const single: number[] = [];
  let objects = 0;
  let { token } = await raw.changes('');
  for (let round = 1; round <= ROUNDS; round += 1) {
    const all = await timed(raw.readAll);
    whole.push(all.milliseconds);
    objects = all.result;
    days.push((await timed(() => raw.readRange(new Date(now), new Date(now + 30 * 86_400_000)))).milliseconds);
    const title = `Changed for the bare client ${round}`;
    await change(title);
    const known = token;
    const one = await timed(async () => {
      const answer = await raw.changes(known);
      const texts = await Promise.all(answer.hrefs.map(raw.get));
      return { token: answer.token, texts };
    });
    if (one.result.texts.length !== 1 || !(one.result.texts[0] ?? '').includes(title))
      throw new Error(`The bare client was told of ${one.result.texts.length} changes instead of its own one.`);
    single.push(one.milliseconds);
    token = one.result.token;
  }
  return { everything: median(whole), objects, soon: median(days), oneChange: median(single) };
};

/** A vendor's list of everything, of the next 30 days, and of what changed since; the middle of five each. */
export const measureVendorBaseline = async ({ raw, change }: VendorAccount, now: number): Promise<VendorBaseline> => {
  const client = await raw();
  const [whole, days, single]: readonly [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const all = await timed(client.readAll);
    whole.push(all.milliseconds);
    days.push((await timed(() => client.readRange(new Date(now), new Date(now + 30 * 86_400_000)))).milliseconds);
    const title = `Changed for the bare client ${round}`;
    await change(title);
    const one = await timed(() => client.changes(all.result.token));
    if (one.result.titles.length !== 1 || one.result.titles[0] !== title)
      throw new Error(`The bare client was told of ${one.result.titles.length} changes instead of its own one.`);
    single.push(one.milliseconds);
  }
  return { everything: median(whole), soon: median(days), oneChange: median(single) };
};
