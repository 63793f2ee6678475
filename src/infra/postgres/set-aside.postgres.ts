import { setTimeout as sleep } from 'node:timers/promises';
import { type CleanUp } from '../../kernel/clean-up.js';
import { HOUR } from '../../kernel/clock.js';
import { type Message } from '../../kernel/decider.js';
import { EngineAway } from '../../kernel/engine-away.js';
import { type Batch, type EventStore, type Position, type Recorded, UnknownEvent, UnreadableEvent } from '../../kernel/event-store.js';
import { OlderProgram, type Projection, type Separable } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';
import { kindOf } from '../logging/redaction.js';
import { Superseded } from './projection.failure.js';

/** What a subscription brings a projection next: events, or one of a calendar's that cannot be read. */
export type Step<E extends Message> = Batch<E> & Readonly<{ unreadable: UnreadableEvent | null }>;

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
  error instanceof Superseded ||
  PASSING.test(codeOf(error));

const never = (): boolean => false;

const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);
const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));

const isContent = <E extends Message>({ contents }: Separable<E>, stream: string): boolean => contents.includes(categoryOf(stream));
const belongsToCalendar = <E extends Message>(separable: Separable<E> | null, stream: string): separable is Separable<E> =>
  separable !== null && (isContent(separable, stream) || separable.facts.includes(categoryOf(stream)));

/** `generation`: the newest of which something is missing; null until an event that can be read tells it. Null with `contents` false: a fact is missing. */
type Aside = { contents: boolean; generation: number | null };

const asidesOf = async (sql: Sql, projection: string): Promise<Map<string, Aside>> => {
  const rows = await sql.query<Aside & { calendar_id: string }>(
    'select calendar_id, contents, generation from set_aside where projection = $1',
    [projection],
  );
  return new Map(rows.map(({ calendar_id, ...aside }) => [calendar_id, aside]));
};

type Standing = 'applied' | 'left out' | 'taken back';

/** What becomes of an event while some calendars are aside: contents wait for a generation that begins later, facts are applied. */
const standingOf = async <E extends Message>(
  sql: Sql,
  { name, separable }: Projection<E>,
  asides: Map<string, Aside>,
  { stream, event }: Recorded<E>,
): Promise<Standing> => {
  const aside = asides.get(idOf(stream));
  if (aside === undefined || separable === null || !isContent(separable, stream)) return 'applied';
  const generation = separable.generationOf(event);
  if (!aside.contents || generation === null) return 'left out';
  if (aside.generation !== null && generation > aside.generation) {
    asides.delete(idOf(stream));
    await sql.query('delete from set_aside where projection = $1 and calendar_id = $2', [name, idOf(stream)]);
    return 'taken back';
  }
  if (aside.generation === null) {
    aside.generation = generation;
    await sql.query('update set_aside set generation = $3 where projection = $1 and calendar_id = $2', [name, idOf(stream), generation]);
  }
  return 'left out';
};

const placeOf = <E extends Message>({ stream, position, recordedAt }: Recorded<E>) => ({
  calendarId: idOf(stream),
  position,
  at: recordedAt,
});

/** What is applied in one call: a calendar's contents each alone, because each may be much; what is between them together. */
const callsOf = <E extends Message>({ separable }: Projection<E>, events: readonly Recorded<E>[]): readonly (readonly Recorded<E>[])[] => {
  const calls: Recorded<E>[][] = [];
  let open: Recorded<E>[] | null = null;
  for (const recorded of events) {
    const isAlone = separable !== null && isContent(separable, recorded.stream);
    if (open === null || isAlone) calls.push((open = [recorded]));
    else open.push(recorded);
    if (isAlone) open = null;
  }
  return calls;
};

/** Applies one call's events, but for contents of calendars that are aside. */
const applyBeside = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  asides: Map<string, Aside>,
  events: readonly Recorded<E>[],
): Promise<void> => {
  const ready: Recorded<E>[] = [];
  for (const recorded of events) {
    const standing = await standingOf(sql, projection, asides, recorded);
    if (standing === 'taken back') await projection.separable?.takeBack(sql, placeOf(recorded));
    if (standing !== 'left out') ready.push(recorded);
  }
  if (ready.length > 0) await projection.apply(sql, ready);
};

/** Applies events until `isOver`, at least one call's; answers how many. `some`: whether any calendar is aside. */
const applyTogether = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  events: readonly Recorded<E>[],
  some: boolean,
  isOver: () => boolean = never,
): Promise<number> => {
  const asides = some ? await asidesOf(sql, projection.name) : new Map<string, Aside>();
  let applied = 0;
  for (const call of callsOf(projection, events)) {
    await applyBeside(sql, projection, asides, call);
    applied += call.length;
    if (isOver()) break;
  }
  return applied;
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

type Cause = Readonly<{ stream: string; position: Position; at: string; generation: number | null; error: unknown }>;

const setAside = async <E extends Message>(sql: Sql, name: string, separable: Separable<E>, cause: Cause): Promise<void> => {
  const { stream, position, at, generation, error } = cause;
  await sql.query(
    `insert into set_aside (projection, calendar_id, position, contents, generation, code, error) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (projection, calendar_id) do update set position = excluded.position, contents = set_aside.contents and excluded.contents,
       generation = excluded.generation, code = excluded.code, error = excluded.error`,
    [
      name,
      idOf(stream),
      position,
      isContent(separable, stream),
      generation,
      error instanceof UnreadableEvent ? 'event-unreadable' : 'event-failed',
      kindOf(error),
    ],
  );
  await separable.setAside(sql, { calendarId: idOf(stream), position, at });
};

/** Applies events one by one: one of a calendar's that fails each time leaves nothing but its calendar set aside. */
export const applySeparately = async <E extends Message>(
  sql: Sql,
  projection: Projection<E>,
  { events, unreadable }: Pick<Step<E>, 'events' | 'unreadable'>,
): Promise<void> => {
  const { name, separable } = projection;
  for (const recorded of events) {
    const { stream, position, recordedAt: at, event } = recorded;
    const apply = async (): Promise<void> => {
      await applyTogether(sql, projection, [recorded], true);
    };
    if (!belongsToCalendar(separable, stream)) {
      await apply();
      continue;
    }
    const error = await failureOfTrying(sql, apply);
    if (error === null) continue;
    const generation = isContent(separable, stream) ? separable.generationOf(event) : null;
    await setAside(sql, name, separable, { stream, position, at, generation, error });
  }
  if (unreadable === null || !belongsToCalendar(separable, unreadable.stream)) return;
  const { stream, position, at } = unreadable;
  await setAside(sql, name, separable, { stream, position, at, generation: null, error: unreadable });
};

/** How a step was applied: how many of its events, and whether a calendar had to be set aside. */
export type Applied = Readonly<{ events: number; aside: boolean }>;

/**
 * Applies a step in a transaction that `inTransaction` opens, which tells whether any calendar is aside and is told how many events were applied:
 * all of them, unless it is `isOver` before. When an event of a calendar's stream fails for a reason that does not pass, in another one, event by
 * event, all of them.
 */
export const applyStep = async <E extends Message>(
  projection: Projection<E>,
  step: Step<E>,
  inTransaction: (work: (sql: Sql, some: boolean) => Promise<number>) => Promise<void>,
  isOver: () => boolean = never,
): Promise<Applied> => {
  let events = 0;
  if (step.unreadable === null)
    try {
      await inTransaction(async (sql, some) => (events = await applyTogether(sql, projection, step.events, some, isOver)));
      return { events, aside: false };
    } catch (error) {
      if (isPassing(error) || !step.events.some(({ stream }) => belongsToCalendar(projection.separable, stream))) throw error;
    }
  await inTransaction(async (sql) => {
    await applySeparately(sql, projection, step);
    return step.events.length;
  });
  return { events: step.events.length, aside: true };
};

/** Follows what a projection handles. An event of a calendar's that cannot be read is a step of its own; of any other stream it is thrown. */
export async function* stepsOf<E extends Message>(
  store: Pick<EventStore, 'follow'>,
  { families, separable }: Projection<E>,
  after: Position | null,
  signal: AbortSignal,
): AsyncGenerator<Step<E>> {
  let position = after;
  for (;;)
    try {
      for await (const batch of store.follow(families, position, signal)) {
        position = batch.position;
        yield { ...batch, unreadable: null };
      }
      return;
    } catch (error) {
      if (!(error instanceof UnreadableEvent) || !belongsToCalendar(separable, error.stream)) throw error;
      position = error.position;
      yield { events: [], position, live: false, unreadable: error };
    }
}

/** A calendar whose contents keep failing is read whole again once a day, besides when its owner asks. */
const ASK = `
  update sync_state s set full_requested = true, remade_at = clock_timestamp(), wake = true, due_at = least(s.due_at, clock_timestamp())
  from set_aside a
  where a.calendar_id = s.calendar_id and a.contents and s.due_at <> 'infinity'
    and (s.remade_at is null or s.remade_at < clock_timestamp() - interval '1 day')
  returning 1`;

/** Asks for a new generation of the calendars that are aside, of each at most daily. */
export const askForGenerations = async (sql: Sql): Promise<void> => {
  const asked = await sql.query(ASK);
  if (asked.length > 0) await sql.query('notify sync_state');
};

/** Removes nothing: asks again for what is aside still, and for what a rebuild has set aside. */
export const asideCleanUp = (sql: Sql): CleanUp => ({
  name: 'asides',
  every: HOUR,
  remove: async () => {
    await askForGenerations(sql);
    return 0;
  },
});

/** How many calendars are aside, by the reason. Those of revoked connections are not counted. */
export const asideByCode = async (sql: Sql): Promise<readonly Readonly<{ code: string; count: number }>[]> => {
  const rows = await sql.query<{ code: string; count: string }>(
    'select code, count(distinct calendar_id) from set_aside join calendars using (calendar_id) group by code order by code',
  );
  return rows.map(({ code, count }) => ({ code, count: Number(count) }));
};
