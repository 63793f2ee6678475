import { setTimeout as sleep } from 'node:timers/promises';
import { type Random } from '../test/support/seed.js';
import { type AskedLog } from './crowd.asked.js';
import { type Connected } from './crowd.connect.js';
import { isTold } from './crowd.people.js';
import { eachOf, type Pair, until } from './crowd.service.js';
import { type Vendors } from './crowd.vendors.js';

/** A time of trouble, `performance.now()`. */
export type Spell = Readonly<{ from: number; to: number }>;

/** What happens beside the changes and the faults of requests. */
export type Troubles = Readonly<{
  kills: readonly Spell[];
  revoked: ReadonlySet<Connected>;
  counts: () => Readonly<{ forgotten: number; expired: number }>;
  over: () => Promise<void>;
}>;

/** Milliseconds. `kills`: moments from the beginning on. */
export type Plan = Readonly<{ lasting: number; kills: readonly number[]; revokes: number }>;

type Means = Readonly<{ pair: Pair; vendors: Vendors; asked: AskedLog; linked: readonly Connected[]; random: Random }>;

/** As long as a claim of a process that died is its own. */
const LEASE = 10_000;

/** A process that was killed has not been there until so long after its next start. */
const kill = async ({ mortal }: Pair, random: Random): Promise<Spell> => {
  const from = performance.now();
  await mortal.kill();
  await sleep(500 + random.below(3_000));
  await mortal.restart();
  return { from, to: Math.max(performance.now(), from + LEASE) };
};

/** Revokes a connection; once it is wound up, its account may not be asked for anything. */
const revoke = async ({ client, connectionId, person }: Connected, { pair, asked }: Means): Promise<void> => {
  const { status } = await client.request('DELETE', `/v1/calendar/connections/${connectionId ?? ''}`);
  if (status >= 300) throw new Error(`revoking answered ${status}`);
  await until(`${person.email} was wound up`, 300_000, async () => {
    const wound = await pair.rows(
      `select 1 from schedule_tombstones t where connection_id = $1
       and not exists (select 1 from connection_state s where s.connection_id = t.connection_id)`,
      [connectionId],
    );
    return wound.length > 0;
  });
  asked.end(person.email);
};

export const beginTroubles = (means: Means, { lasting, kills: moments, revokes }: Plan): Troubles => {
  const { linked, random, vendors, pair } = means;
  // Passwords do not end.
  const withTokens = linked.filter(({ person }) => isTold(person));
  const [kills, revoked, counts]: [Spell[], Set<Connected>, { forgotten: number; expired: number }] = [
    [],
    new Set(),
    { forgotten: 0, expired: 0 },
  ];
  const end = performance.now() + lasting;
  const now = performance.now();
  const each = async (milliseconds: number, work: () => void): Promise<void> => {
    while (performance.now() < end) {
      work();
      await sleep(milliseconds);
    }
  };
  const killing = async (): Promise<void> => {
    for (const moment of moments) {
      await sleep(Math.max(0, now + moment - performance.now()));
      kills.push(await kill(pair, random));
    }
  };
  const revoking = async (): Promise<void> => {
    const pause = lasting / (revokes + 1);
    const chosen = Array.from({ length: revokes }, (_, index) => ({ at: now + pause * (index + 1), one: random.pick(linked) }));
    await eachOf(chosen, revokes, async ({ at, one }) => {
      await sleep(Math.max(0, at - performance.now()));
      if (revoked.has(one)) return;
      revoked.add(one);
      await revoke(one, means);
    });
  };
  const work = Promise.all([
    each(3_000, () => {
      const { person } = random.pick(linked);
      counts.forgotten += 1;
      vendors.forget(person, random.pick(person.calendars).id);
    }),
    each(500, () => {
      counts.expired += 1;
      vendors.expire(random.pick(withTokens).person);
    }),
    killing(),
    revoking(),
  ]);
  // Those who wait for the end hear of it.
  work.catch(() => undefined);
  return {
    kills,
    revoked,
    counts: () => counts,
    over: async () => {
      await work;
    },
  };
};
