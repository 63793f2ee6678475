import { inTurn } from '../../kernel/in-turn.js';
import { type Clock } from '../../kernel/clock.js';
import { type Log } from '../../kernel/log.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type Bell, bell } from './hints.bell.js';
import { holdersOf, lock, mark, unlock, unlockAll } from './locks.sql.js';
import { HINTS, subscribe } from './messages.sql.js';
import { type Handling, readPartition } from './partition.reader.js';
import { divide, markOf, nameOf, type Place, placesOf } from './partitions.js';

/** A connection of its own that locks are held on. */
type Session = Sql & Readonly<{ release: () => Promise<void> }>;

export type BrokerDatabase = Database & Readonly<{ session: () => Promise<Session> }>;

/** A reader of topics, beside others of its group in this or other processes: each partition is read by one of them at a time. */
export type Member = Readonly<{
  database: BrokerDatabase;
  group: string;
  handlings: ReadonlyMap<string, Handling>;
  log: Log;
  clock: Clock;
  seen: Seen;
}>;

/** How a member stands, for health and metrics. `lookedAt`: when it last looked for messages, in milliseconds since the epoch; null before the first time. */
export type Seen = { isMember: boolean; partitions: number; lookedAt: number | null };

/** How a member stands that has not begun. */
export const unseen = (): Seen => ({ isMember: false, partitions: 0, lookedAt: null });

/** A partition that is being read. */
type Held = Readonly<{ place: Place; bell: Bell; stop: () => void; ended: Promise<void> }>;

/** Milliseconds between two looks at the group: what another's death leaves is taken then. One that comes says so itself. */
const LOOK = 1_000;

/** Milliseconds before a session is opened again that was lost. */
const PAUSE = 500;

/** Hints that tell of the group and not of a topic begin like this. */
const OF_GROUP = 'group ';

/** All that a member does with one session: joins, takes its share of the partitions, and gives up what others lack. */
class Membership {
  private readonly held = new Map<string, Held>();
  private readonly topics: readonly string[];

  constructor(
    private readonly member: Member,
    private readonly session: Sql,
  ) {
    this.topics = [...member.handlings.keys()];
  }

  /** Until aborted; throws when the session is lost. Then nothing is read any more. */
  async run(divided: Bell, signal: AbortSignal): Promise<void> {
    const { group } = this.member;
    const isOver = (): boolean => signal.aborted;
    try {
      await subscribe(this.session, group, this.topics);
      for (const topic of this.topics) await mark(this.session, group, markOf(topic));
      await this.tell();
      this.member.seen.isMember = true;
      while (!isOver()) {
        divided.hush();
        await this.divide();
        await divided.wait(LOOK, signal);
      }
    } finally {
      this.member.seen.isMember = false;
      await this.stopReading();
    }
  }

  /** Frees the session of all its locks: it goes back to the pool, where they would count as a member's for as long as it lives. */
  async leave(): Promise<void> {
    await unlockAll(this.session);
    await this.tell();
  }

  /** `topic`: of which there is something new; null when that is not known. */
  ring(topic: string | null): void {
    for (const { place, bell: each } of this.held.values()) if (topic === null || place.topic === topic) each.ring();
  }

  private async tell(): Promise<void> {
    await this.session.query('select pg_notify($1, $2)', [HINTS, OF_GROUP + this.member.group]);
  }

  /** By topics, because programs of different versions may be in a group, of which one knows more topics. */
  private async divide(): Promise<void> {
    const names = [...this.topics.map(markOf), ...placesOf(this.topics).map(nameOf)];
    const holders = await holdersOf(this.session, this.member.group, names);
    for (const topic of this.topics) await this.divideTopic(topic, holders);
  }

  private async divideTopic(topic: string, holders: ReadonlyMap<string, number>): Promise<void> {
    const places = new Map(placesOf([topic]).map((place) => [nameOf(place), place]));
    const all = [...places.keys()];
    const held = all.filter((name) => this.held.has(name));
    const { leave, take, room } = divide(all, { held, locked: new Set(holders.keys()), members: holders.get(markOf(topic)) ?? 1 });
    for (const name of leave) this.held.get(name)?.stop();
    let left = room;
    for (const name of take) {
      if (left === 0) return;
      const place = places.get(name);
      if (place === undefined || !(await lock(this.session, this.member.group, name))) continue;
      this.read(name, place);
      left -= 1;
    }
  }

  private read(name: string, place: Place): void {
    const { database, group, handlings, log, clock, seen } = this.member;
    const handling = handlings.get(place.topic);
    if (handling === undefined) return;
    const stopping = new AbortController();
    const reading = {
      ...{ database, session: this.session, group, place, handling },
      bell: bell(),
      signal: stopping.signal,
      looked: () => (seen.lookedAt = clock.now()),
    };
    const ended = readPartition(reading)
      .catch(async (error: unknown) => {
        log.error('a partition stopped and is read again from its last commit', error, { topic: place.topic, partition: place.partition });
        await bell().wait(PAUSE, stopping.signal);
      })
      .then(async () => {
        await unlock(this.session, group, name);
        await this.tell();
      })
      // The session is lost, and its locks with it.
      .catch(() => undefined)
      .finally(() => {
        this.held.delete(name);
        seen.partitions = this.held.size;
      });
    seen.partitions += 1;
    this.held.set(name, {
      ...{ place, bell: reading.bell, ended },
      stop: () => {
        stopping.abort();
      },
    });
  }

  private async stopReading(): Promise<void> {
    const reading = [...this.held.values()];
    for (const { stop } of reading) stop();
    await Promise.all(reading.map(({ ended }) => ended));
  }
}

/** The readers of all partitions share the session, which takes one statement at a time. */
const oneByOne = ({ query }: Sql): Sql => {
  const turn = inTurn();
  return { query: (text, values) => turn('', () => query(text, values)) };
};

/**
 * Reads until aborted, and never rejects: while the database is away, it waits. What is being handled when it is aborted is handled to its end, and
 * committed.
 */
export const beMember = async (member: Member, signal: AbortSignal): Promise<void> => {
  const { database, group, log } = member;
  const divided = bell();
  let membership: Membership | null = null;
  const unlisten = database.listen(HINTS, (hint) => {
    if (hint === null || hint === OF_GROUP + group) divided.ring();
    if (hint === null || !hint.startsWith(OF_GROUP)) membership?.ring(hint);
  });
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      const session = await database.session();
      const present = new Membership(member, oneByOne(session));
      membership = present;
      try {
        await present.run(divided, signal);
      } finally {
        // A session that is lost has lost its locks too.
        await present.leave().catch(() => undefined);
        await session.release();
      }
    } catch (error) {
      log.error('a member of a group of consumers stopped and joins again', error, { group });
      await bell().wait(PAUSE, signal);
    }
    membership = null;
  }
  await unlisten();
};
