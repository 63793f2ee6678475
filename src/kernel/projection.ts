import { type Message } from './decider.js';
import { type EventFamily, type Position, type Recorded } from './event-store.js';
import { type Sql } from './sql.js';

/**
 * A read model: which families of streams it follows and how their events change its rows. `apply` gets events in log order, one call after the
 * other, and writes nothing but SQL on the connection it is given: rows and checkpoint commit together, after at most a quarter of a second of calls. It uses no clock, no key and
 * no randomness, so replaying from zero gives the same rows.
 */
export type Projection<E extends Message> = Readonly<{
  /** Also the name of its checkpoint and lock. */
  name: string;
  /**
   * What its rows mean, as a number that grows whenever the same events make other rows. Rows of an older meaning are built again, beside those
   * that are read meanwhile; a program of an older meaning than the rows have stands by.
   */
  meaning: number;
  /** Of which it knows every event. */
  families: readonly EventFamily<E>[];
  apply: (sql: Sql, events: readonly Recorded<E>[]) => Promise<void>;
  /** The tables only it writes, emptied or built again by a replay from zero; none when its rows are operational and outlive one. */
  tables: readonly string[];
  /** Null: an event that cannot be applied stops it in every stream. */
  separable: Separable<E> | null;
}>;

/** Which calendar it is about, and the event that decided it: its place in the log, and when it was recorded (RFC 3339, UTC). */
export type Deciding = Readonly<{ calendarId: string; position: Position; at: string }>;

/**
 * The streams of a projection that belong to one calendar each. An event of theirs that cannot be applied sets the calendar aside, and the
 * projection goes on with everybody else's: contents are left out until a newer generation brings all of them again, facts are applied.
 */
export type Separable<E extends Message> = Readonly<{
  /** Categories of the streams that bring a calendar's contents, and of those that hold facts about it; the rest of their names is its id. */
  contents: readonly string[];
  facts: readonly string[];
  /** Of an event that brings contents. */
  generationOf: (event: E) => number | null;
  /** Run in the transaction that sets a calendar aside, and before the first event of the generation that takes it back. */
  setAside: (sql: Sql, calendar: Deciding) => Promise<void>;
  takeBack: (sql: Sql, calendar: Deciding) => Promise<void>;
}>;

const nothing = (): Promise<void> => Promise.resolve();

/** For projections that follow facts about calendars but none of their contents. */
export const FACTS_OF_CALENDARS: Separable<Message> = {
  contents: [],
  facts: ['calendar'],
  generationOf: () => null,
  setAside: nothing,
  takeBack: nothing,
};

/** The rows were written by a program that knew more than this one: only a newer one may go on. The message holds nothing personal. */
export class OlderProgram extends Error {
  override readonly name: string = 'OlderProgram';
}

/** A handler per event type, applied one event at a time: the usual form of `apply`. Types without a handler change nothing. */
export type Handlers<E extends Message> = {
  readonly [T in E['type']]?: (sql: Sql, recorded: Recorded<Extract<E, { type: T }>>) => Promise<unknown>;
};

export const applyEach =
  <E extends Message>(handlers: Handlers<E>): Projection<E>['apply'] =>
  async (sql, events) => {
    for (const recorded of events) {
      const handler = handlers[recorded.event.type as E['type']] as ((sql: Sql, recorded: Recorded<E>) => Promise<unknown>) | undefined;
      await handler?.(sql, recorded);
    }
  };

/** How far the log stood after the last event a command wrote to streams of a category; null or missing: it wrote to none. */
export type Written = Readonly<Partial<Record<string, Position | null>>>;

/** Waits for what was written to be readable, at most `milliseconds`; each answers false when that was too short. */
export type ReadModels = Readonly<{
  /** Until each of the named projections has reached what was written to the families it follows. */
  reached: (names: readonly string[], written: Written, milliseconds: number) => Promise<boolean>;
  /** Until everything of a person that has to be placed again has been. */
  placed: (userId: string, milliseconds: number) => Promise<boolean>;
}>;

/** DI token of the `ReadModels`. */
export const READ_MODELS = Symbol('ReadModels');
