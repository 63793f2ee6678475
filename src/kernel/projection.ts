import { type Message } from './decider.js';
import { type EventFamily, type Position, type Recorded } from './event-store.js';
import { type Sql } from './sql.js';

/**
 * A read model: which families of streams it follows and how their events change its rows. `apply` gets events in log order, many at a time while
 * catching up, and writes nothing but SQL on the connection it is given: rows and checkpoint commit together. It uses no clock, no key and
 * no randomness, so replaying from zero gives the same rows.
 */
export type Projection<E extends Message> = Readonly<{
  /** Also the name of its checkpoint and lock; a changed meaning takes a new name. */
  name: string;
  /** Of which it knows every event. */
  families: readonly EventFamily<E>[];
  apply: (sql: Sql, events: readonly Recorded<E>[]) => Promise<void>;
  /** The tables only it writes, emptied or built anew by a replay from zero; none when its rows are operational and outlive one. */
  tables: readonly string[];
}>;

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
