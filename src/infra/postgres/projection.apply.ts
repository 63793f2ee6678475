import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import { EngineAway } from '../../kernel/engine-away.js';
import { type EventStore, idOf, type Position, type Recorded, UnknownEvent, UnreadableEvent } from '../../kernel/event-store.js';
import { type Batch, decodedLog, type IsOver } from '../../kernel/follower.js';
import { OlderProgram, type Projection } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';
import { CheckpointMoved } from './follower.failure.js';
import { type Aside, asidesOf, belongsToCalendar, isContent, setAside, standingOf } from './set-aside.postgres.js';

/** What a projection is given: an event, or one of a calendar's that cannot be read. */
export type Followed<E extends Message> = Recorded<E> | UnreadableEvent;

/** How often an event is tried before it sets its calendar aside, and the milliseconds in between. */
const ATTEMPTS = 3;
const PAUSE = 200;

/** SQLSTATEs of what another transaction, or the state of the server, is the reason for: deadlocks, locks, memory, disks. */
const PASSING = /^(40|53|58|55P03)/;

const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
};

/** Whether what failed may succeed without a change of the event or the program. */
const isPassing = (error: unknown): boolean =>
  error instanceof EngineAway ||
  error instanceof UnknownEvent ||
  error instanceof OlderProgram ||
  error instanceof CheckpointMoved ||
  PASSING.test(codeOf(error));

const isUnreadable = <E extends Message>(item: Followed<E>): item is UnreadableEvent => item instanceof UnreadableEvent;

/** Applies an event, unless it brings contents of a calendar that is aside. */
const applyBeside = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  asides: Map<string, Aside>,
  recorded: Recorded<E>,
): Promise<void> => {
  const { stream, position, recordedAt: at } = recorded;
  const standing = await standingOf(sql, projection, asides, recorded);
  if (standing === 'left out') return;
  if (standing === 'taken back') await projection.separable?.takeBack(sql, { calendarId: idOf(stream), position, at });
  await projection.apply(sql, [recorded]);
};

/** Looked up where a projection can have any. */
const asidesFor = async <E extends Message>(sql: Sql, { name, separable }: Projection<E>): Promise<Map<string, Aside>> =>
  separable === null ? new Map<string, Aside>() : asidesOf(sql, name);

/** Applies events until `isOver`; answers how many. */
const applyTogether = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  events: readonly Recorded<E>[],
  isOver: IsOver,
): Promise<number> => {
  const asides = await asidesFor(sql, projection);
  let count = 0;
  for (const recorded of events) {
    await applyBeside(sql, projection, asides, recorded);
    count += 1;
    if (isOver()) break;
  }
  return count;
};

/** Null when it worked at last; what it failed of leaves no rows. Throws what passes. */
const failureOfTrying = async (sql: Sql, work: () => Promise<void>): Promise<unknown> => {
  for (let attempt = 1; ; attempt += 1) {
    await sql.query('savepoint event');
    try {
      await work();
      await sql.query('release savepoint event');
      return null;
    } catch (error) {
      if (isPassing(error)) throw error;
      await sql.query('rollback to savepoint event');
      if (attempt === ATTEMPTS) return error ?? new Error('an event was refused without a reason');
      await sleep(PAUSE);
    }
  }
};

/** How many items were applied, and whether one of them set its calendar aside. */
export type Applied = Readonly<{ count: number; aside: boolean }>;

/** Applies one item in the last way there is; answers whether it set its calendar aside. */
const applyAlone = async <E extends Message>(sql: Sql, projection: Projection<E>, item: Followed<E>): Promise<boolean> => {
  const { name, separable } = projection;
  const { stream, position } = item;
  if (isUnreadable(item)) {
    if (!belongsToCalendar(separable, stream)) return false;
    await setAside(sql, name, separable, { stream, position, at: item.at, generation: null, error: item });
    return true;
  }
  const apply = async (): Promise<void> => applyBeside(sql, projection, await asidesFor(sql, projection), item);
  if (!belongsToCalendar(separable, stream)) {
    await apply();
    return false;
  }
  const error = await failureOfTrying(sql, apply);
  if (error === null) return false;
  const generation = isContent(separable, stream) ? separable.generationOf(item.event) : null;
  await setAside(sql, name, separable, { stream, position, at: item.recordedAt, generation, error });
  return true;
};

const never = (): boolean => false;

/** Applies items one by one until `isOver`: one of a calendar's that fails each time leaves nothing but its calendar set aside. */
export const applySeparately = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  items: readonly Followed<E>[],
  isOver: IsOver = never,
): Promise<Applied> => {
  let [count, aside] = [0, false];
  for (const item of items) {
    if (await applyAlone(sql, projection, item)) aside = true;
    count += 1;
    if (isOver()) break;
  }
  return { count, aside };
};

/**
 * Applies items in a transaction that `inTransaction` opens, which says when it is over and is told how many items were applied. When an event of
 * a calendar's stream fails for a reason that does not pass, in another transaction, one by one.
 */
export const applyStep = async <E extends Message>(
  projection: Projection<E>,
  items: readonly Followed<E>[],
  inTransaction: (work: (sql: Sql, isOver: IsOver) => Promise<number>) => Promise<number>,
): Promise<Applied> => {
  const events = items.filter((item): item is Recorded<E> => !isUnreadable(item));
  if (events.length === items.length)
    try {
      return { count: await inTransaction((sql, isOver) => applyTogether(sql, projection, events, isOver)), aside: false };
    } catch (error) {
      if (isPassing(error) || !events.some(({ stream }) => belongsToCalendar(projection.separable, stream))) throw error;
    }
  let aside = false;
  const count = await inTransaction(async (sql, isOver) => {
    const applied = await applySeparately(sql, projection, items, isOver);
    ({ aside } = applied);
    return applied.count;
  });
  return { count, aside };
};

/** Follows what a projection handles. An event of a calendar's that cannot be read is an item; of any other stream it is thrown. */
export async function* stepsOf<E extends Message>(
  store: Pick<EventStore, 'follow'>,
  { families, separable }: Pick<Projection<E>, 'families' | 'separable'>,
  after: Position | null,
  signal: AbortSignal,
): AsyncGenerator<Batch<Followed<E>>> {
  let position = after;
  for (;;)
    try {
      for await (const batch of decodedLog(store, families)(position, signal)) {
        position = batch.position;
        yield batch;
      }
      return;
    } catch (error) {
      if (!(error instanceof UnreadableEvent) || !belongsToCalendar(separable, error.stream)) throw error;
      position = error.position;
      yield { items: [error], position, live: false };
    }
}
