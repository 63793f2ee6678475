import { setTimeout as sleep } from 'node:timers/promises';
import { type Item } from '../test/support/calendar-item.js';
import { randomFrom } from '../test/support/seed.js';
import { askedLog, type AskedLog } from './crowd.asked.js';
import { changeIn } from './crowd.changes.js';
import { type Compared, compare } from './crowd.compare.js';
import { connect, type Connected } from './crowd.connect.js';
import { type Probes, probesOf, type Sample, type Unseen } from './crowd.latency.js';
import { crowdOf, isLinked, isTold } from './crowd.people.js';
import { NO_MISHAPS, type Relay, startRelay } from './crowd.relay.js';
import { eachOf, type Pair, startPair, until } from './crowd.service.js';
import { beginTroubles, type Spell, type Troubles } from './crowd.troubles.js';
import { startVendors, type Vendors } from './crowd.vendors.js';
import { type LiveHeap, openHeap } from './heap.inspector.js';

/**
 * How much of everything. `events`: of each of two calendars. `faults`: the share of requests that meet one, the share of notifications that are lost,
 * the share that is late, and the share that is doubled.
 */
export type Strength = Readonly<{
  connections: number;
  events: number;
  minutes: number;
  changesPerSecond: number;
  faults: number;
  kills: number;
  seed: number;
}>;

/** What a soak found. Latencies in milliseconds, without what the simulators took; heaps in megabytes. */
export type Found = Readonly<{
  strength: Strength;
  connecting: number;
  changes: ReadonlyMap<string, number>;
  asked: ReturnType<AskedLog['counts']>;
  pushes: ReturnType<Relay['tally']>;
  troubles: ReturnType<Troubles['counts']> & Readonly<{ kills: number; revoked: number }>;
  /** Of changes whose readings met no fault and no kill; and of the others. */
  latency: Readonly<{ calm: readonly number[]; troubled: readonly number[]; unseen: readonly Unseen[] }>;
  heap: Readonly<{ early: LiveHeap; late: LiveHeap }>;
  quietAfter: number;
  compared: Compared;
  afterRevoke: readonly string[];
}>;

type Say = (line: string) => void;

/** 429, 503 and answers that break off. */
const KINDS_OF_FAULTS = 3;

/** Milliseconds. */
const LATEST = 5_000;

/** One of so many changes is looked for as soon as it is told of. */
const LOOKED_FOR = 5;

type Stage = Readonly<{ vendors: Vendors; relay: Relay; pair: Pair; asked: AskedLog; probes: Probes; say: Say }>;

/** The values of a metric. */
const valuesOf = (page: string, name: string): readonly number[] =>
  [...page.matchAll(new RegExp(`^${name}[{]\\S* (\\S+)$`, 'gm'))].map(([, value]) => Number(value));

/** Whether a process has projected everything there is, and no row of a queue has waited for long, as its metrics tell. */
const isAtRest = async (url: string): Promise<boolean> => {
  const page = await (await fetch(`${url}/metrics`)).text();
  const live = valuesOf(page, 'projection_live');
  return live.length > 0 && live.every((value) => value === 1) && valuesOf(page, 'queue_oldest_due_seconds').every((late) => late < 1);
};

const connectAll = async (strength: Strength, people: ReturnType<typeof crowdOf>, { vendors, pair, say }: Stage) => {
  const began = performance.now();
  const crowd: Connected[] = [];
  await eachOf(people, 8, async (person) => {
    crowd.push(await connect(pair.steady, person, vendors));
    if (crowd.length % 100 === 0) say(`  ${crowd.length} connected, ${seconds(performance.now() - began)}`);
  });
  // In the order of people, so that the same seed makes the same changes.
  crowd.sort((a, b) => people.indexOf(a.person) - people.indexOf(b.person));
  const linked = crowd.filter(({ connectionId }) => connectionId !== null);
  const told = people.filter((person) => isLinked(person) && isTold(person)).length;
  await until('every calendar was read', 1_200_000, async () => {
    const [row] = await pair.rows<{ read: string }>('select count(*) as read from sync_state where last_success_at is not null');
    return Number(row?.read) === linked.length * 2;
  });
  await until('every calendar that can be was watched', 600_000, async () => {
    const [row] = await pair.rows<{ live: string }>(
      `select count(*) as live from watch_channel where state = 'live' and heard_at is not null`,
    );
    return Number(row?.live) === told * 2;
  });
  // The mortal one started first, so that it projects.
  await until('what connecting left to do was done', 600_000, () => isAtRest(pair.mortal.url));
  const connecting = performance.now() - began;
  say(`  ${linked.length} of ${strength.connections} linked, all read and watched after ${seconds(connecting)}`);
  return { crowd, linked, connecting };
};

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;

const titlesOf = ({ master, overrides }: Item): readonly string[] => [master, ...overrides].map(({ title }) => title);

/** Why a person may not be shown a change that their service told of; null where they should be. */
const whyUnseen =
  ({ pair }: Stage, { revoked }: Troubles, one: Connected, title: string) =>
  async (): Promise<string | null> => {
    if (revoked.has(one)) return 'revoked meanwhile';
    const items = one.person.calendars.flatMap((calendar) => [...calendar.items.values()]);
    if (!items.some((item) => titlesOf(item).includes(title))) return 'changed again meanwhile';
    const [failed] = await pair.rows<{ fault: string }>('select fault from sync_state where connection_id = $1 and fault is not null', [
      one.connectionId,
    ]);
    return failed === undefined ? null : `waits after a reading that failed (${failed.fault})`;
  };

/** Changes something so many times a second until the time is over; answers how often what was done. */
const change = async (strength: Strength, stage: Stage, linked: readonly Connected[], troubles: Troubles): Promise<Map<string, number>> => {
  const { vendors, probes, say } = stage;
  const { minutes, changesPerSecond, seed } = strength;
  const random = randomFrom(seed + 1);
  const [began, total] = [performance.now(), Math.round(minutes * 60 * changesPerSecond)];
  const counts = new Map<string, number>();
  for (let number = 1; number <= total; number += 1) {
    await sleep(Math.max(0, began + (number * 1_000) / changesPerSecond - performance.now()));
    const one = random.pick(linked);
    const { person, client, listen } = one;
    const calendar = random.pick(person.calendars);
    const made = changeIn(calendar, person.kind, { random, number });
    if (isTold(person) && made.shows !== null && number % LOOKED_FOR === 0 && !troubles.revoked.has(one))
      await probes.begin(calendar.id, {
        ...{ account: person.email, client, listen, ...made.shows },
        whyUnseen: whyUnseen(stage, troubles, one, made.shows.title),
      });
    vendors.apply(person, calendar.id, made);
    counts.set(made.name, (counts.get(made.name) ?? 0) + 1);
    if (number % (30 * changesPerSecond) === 0)
      say(
        `  ${number} changes, ${probes.samples.length} of them looked for and found, ${troubles.kills.length} kills, ${troubles.revoked.size} revoked`,
      );
  }
  return counts;
};

/**
 * Has every calendar read once more, as when its time comes: what was lost of notifications is found by that alone. One that is never due any more is
 * told of by the comparison.
 */
const readOnceMore = async ({ pair }: Stage): Promise<void> => {
  const asked = new Map<string, Date>();
  await until('every calendar was read once more', 900_000, async () => {
    // A reading that is under way has perhaps been answered already.
    const free = await pair.rows<{ id: string; at: Date }>(
      `update sync_state set due_at = clock_timestamp()
       where calendar_id <> all($1) and (claimed_until is null or claimed_until < clock_timestamp())
       returning calendar_id as id, clock_timestamp() as at`,
      [[...asked.keys()]],
    );
    for (const { id, at } of free) asked.set(id, at);
    if (free.length > 0) await pair.rows('notify sync_state');
    const left = await pair.rows(
      `select 1 from sync_state left join unnest($1::uuid[], $2::timestamptz[]) as asked (id, at) on id = calendar_id
       where due_at < 'infinity' and (at is null or last_success_at < at or failures > 0 or wake) limit 1`,
      [[...asked.keys()], [...asked.values()]],
    );
    return left.length === 0;
  });
};

/** Lets everything come to rest; answers after how many milliseconds all was read. */
const quieten = async (stage: Stage): Promise<number> => {
  stage.vendors.recover();
  stage.relay.mishap(NO_MISHAPS);
  await stage.relay.empty();
  const began = performance.now();
  await readOnceMore(stage);
  return performance.now() - began;
};

const latenciesOf = ({ asked }: Stage, samples: readonly Sample[], kills: readonly Spell[]) => {
  const [calm, troubled]: [number[], number[]] = [[], []];
  for (const { account, from, to } of samples) {
    const { milliseconds, failed } = asked.between(account, from, to);
    const isKilled = kills.some((spell) => from < spell.to && to > spell.from);
    (failed || isKilled ? troubled : calm).push(to - from - milliseconds);
  }
  return { calm, troubled };
};

const soak = async (strength: Strength, people: ReturnType<typeof crowdOf>, stage: Stage): Promise<Found> => {
  const { vendors, relay, pair, asked, probes, say } = stage;
  const { minutes, kills, connections, faults, seed } = strength;
  say(`Connecting ${connections} accounts …`);
  const { crowd, linked, connecting } = await connectAll(strength, people, stage);
  const heap = await openHeap(pair.steady.pid(), pair.steady.output);
  const lasting = minutes * 60_000;
  say(`Changing for ${minutes} minutes …`);
  asked.begin();
  vendors.suffer(faults / KINDS_OF_FAULTS);
  relay.mishap({ lost: faults, late: faults, doubled: faults, latest: LATEST });
  // The first before a fifth of the time, so that the heap is looked at twice in the same role.
  const moments = Array.from({ length: kills }, (_, index) => lasting * (0.05 + (0.85 * index) / Math.max(1, kills)));
  const means = { pair, vendors, asked, linked, random: randomFrom(seed + 2) };
  const troubles = beginTroubles(means, { lasting, kills: moments, revokes: Math.max(2, Math.round(connections / 50)) });
  const early = sleep(lasting / 5).then(() => heap.live());
  const changes = await change(strength, stage, linked, troubles);
  const late = await heap.live();
  heap.close();
  say('Letting it come to rest …');
  await troubles.over();
  // What follows meets no faults.
  const inTrouble = { ...asked.counts() };
  const quietAfter = await quieten(stage);
  await probes.over();
  say('Comparing …');
  const compared = await compare(crowd, troubles.revoked);
  return {
    ...{ strength, connecting, changes, quietAfter, compared },
    ...{ asked: inTrouble, pushes: relay.tally(), afterRevoke: asked.tooMany },
    troubles: { ...troubles.counts(), kills: troubles.kills.length, revoked: troubles.revoked.size },
    latency: { ...latenciesOf(stage, probes.samples, troubles.kills), unseen: probes.unseen() },
    heap: { early: await early, late },
  };
};

/** A thousand people, or as many as wanted, whose calendars go on changing while everything goes wrong; and what is true of them in the end. */
export const soakCrowd = async (strength: Strength, say: Say): Promise<Found> => {
  const people = crowdOf(strength.connections, strength.events, strength.seed);
  const asked = askedLog();
  const vendors = await startVendors(people, asked.note);
  const probes = probesOf(vendors.calendarOf);
  const relay = await startRelay(randomFrom(strength.seed + 3), probes);
  try {
    const pair = await startPair({ PUBLIC_URL: relay.url, ...vendors.settings });
    relay.leadTo(pair.steady.url, pair.mortal.url);
    try {
      return await soak(strength, people, { vendors, relay, pair, asked, probes, say });
    } finally {
      await pair.stop();
    }
  } finally {
    await relay.stop();
    await vendors.stop();
  }
};
