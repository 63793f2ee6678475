import { type Decider, type Message } from './decider.js';

/** Where an event stands in the log of all streams; grows, with gaps: compare, never compute. */
export type Position = bigint;

/**
 * Who caused an event, whose data it is about, by which command and way, in which chain of causes; stored beside every event. Of events stored before
 * there were `subject`, `via` and `origin`, these three are null.
 */
export type Metadata = Readonly<{
  /** Identity of the command: the same command sent twice is recognised by it. */
  commandId: string;
  correlationId: string;
  causationId: string;
  /** User id, or `system:<role>`. */
  actor: string;
  /** The person whose data the event is about; null where the event names its own or an append is about several. */
  subject: string | null;
  /** The route, such as `PATCH /v1/calendar/settings`, or the role, such as `sync`. */
  via: string | null;
  /** Keyed hash of the address the request came from, under the actor's key; null for the system's work. */
  origin: string | null;
}>;

/** Reads and writes one family of events. Stored names are permanent literals with a version (`ConnectionRevoked.v1`). */
export type Codec<E extends Message> = Readonly<{
  /** Stored names this codec reads, old versions included. */
  reads: readonly string[];
  encode: (event: E) => Readonly<{ type: string; data: Readonly<Record<string, unknown>> }>;
  /** Throws on data its schema does not allow: a corrupt log must stop a reader, not feed it nonsense. */
  decode: (type: string, data: unknown) => E;
}>;

/**
 * One kind of stream: the first part of the names `<category>-<id>`, and the codec of every event that is stored in one. A reader of such
 * streams knows all of their events, also those it does nothing about.
 */
export type EventFamily<E extends Message> = Readonly<{ category: string; codec: Pick<Codec<E>, 'reads' | 'decode'> }>;

/** The prefix all stream names of a family have. */
export const prefixOf = ({ category }: Pick<EventFamily<Message>, 'category'>): string => `${category}-`;

/** The id in a stream's name `<category>-<id>`. */
export const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);

export type Recorded<E extends Message> = Readonly<{
  /** Whole stream name, `<category>-<id>`. */
  stream: string;
  revision: bigint;
  position: Position;
  /** Event id, a UUID; what consumers recognise a repeated delivery by. */
  id: string;
  /** RFC 3339, UTC. */
  recordedAt: string;
  metadata: Metadata;
  event: E;
}>;

/**
 * An event as it is stored, of any stream and version, without a codec. `data`, `metadata`: the JSON value that is stored; bytes where the writer stored no
 * JSON.
 */
export type RawEvent = Place & Readonly<{ stream: string; revision: bigint; id: string; type: string; data: unknown; metadata: unknown }>;

/** Where an event stands in the log, and since when: RFC 3339, UTC. */
export type Place = Readonly<{ position: Position; recordedAt: string }>;

export type Appended = Readonly<{ revision: bigint; position: Position }>;

/**
 * How a stream stands: its events folded by its decider, and the revision of the last one (-1n: there is none). `handled`: how far the log stood
 * after each command, which is the answer a repeated command gets; of a stream with more than a thousand commands, after each of the last thousand.
 */
export type Standing<S> = Readonly<{ state: S; revision: bigint; handled: ReadonlyMap<string, Appended> }>;

/**
 * The log holds an event of a kind this program does not know, because a newer one wrote it. A reader stops there: the program that knows it
 * goes on. `stored`: the name it is stored by.
 */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
  constructor(readonly stored: string) {
    super(`this version does not know ${stored}`);
  }
}

/** An event that does not match the schema of its own name. `cause` says where. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(
    readonly stream: string,
    readonly position: Position,
    /** When it was recorded: RFC 3339, UTC. */
    readonly at: string,
    cause: unknown,
  ) {
    super(`an event cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Another writer came first: the stream is not at the revision the caller decided on. */
export class WrongRevision extends Error {
  override readonly name = 'WrongRevision';
  constructor(
    readonly stream: string,
    readonly expected: bigint,
  ) {
    super(`${stream} is no longer at revision ${expected}`);
  }
}

/** Other writers came first every time a command without a condition was decided. Nothing was written; the same command may succeed later. */
export class Contended extends Error {
  override readonly name = 'Contended';
  constructor(readonly stream: string) {
    super(`others write to ${stream} all the time`);
  }
}

/**
 * What a subscription brings: events in log order, as many as were waiting (none when only the filter moved on), and how far the log has been
 * looked through (null: nowhere yet). `live`: the end of the log has been reached once since the subscription began.
 */
export type Batch<E extends Message> = Readonly<{ events: readonly Recorded<E>[]; position: Position | null; live: boolean }>;

/** The same for events that are not decoded. */
export type RawBatch = Readonly<{ events: readonly RawEvent[]; position: Position | null; live: boolean }>;

/** Every call but `follow` and `followRaw`, which wait, throws `EngineAway` while the event store is out of reach. */
export type EventStore = Readonly<{
  /** All events of a stream. Throws `UnknownEvent` when the codec does not read one of the stream's events: what is decided on a part of a stream is decided wrong. */
  load: <E extends Message>(stream: string, codec: EventFamily<E>['codec']) => Promise<readonly E[]>;
  /**
   * The state of the stream `<category>-<id>`, for a decision. Costs what was appended since it was last asked for, also where the stream is long.
   * Throws as `load` does.
   */
  stateOf: <S, C extends Message, E extends Message>(decider: Decider<S, C, E>, codec: Codec<E>, id: string) => Promise<Standing<S>>;
  /** Appends when the stream is at `expected` (-1n: does not exist), else throws `WrongRevision`. `null`: at any revision. */
  append: <E extends Message>(
    stream: string,
    expected: bigint | null,
    events: readonly E[],
    codec: Codec<E>,
    metadata: Metadata,
  ) => Promise<Appended>;
  /**
   * Runs work that lost so many races for a stream (1 or more) once more: after the other losers of this process, one at a time, and a random
   * moment later from the second loss on.
   */
  afterRace: <T>(stream: string, losses: number, work: () => Promise<T>) => Promise<T>;
  /**
   * All events of the streams of some families, after `after` (null: from the beginning), then live, until aborted. Throws `UnknownEvent` at an
   * event whose name the codec of its family does not read and `UnreadableEvent` at one it cannot decode, once everything before was handed on.
   */
  follow: <E extends Message>(families: readonly EventFamily<E>[], after: Position | null, signal: AbortSignal) => AsyncIterable<Batch<E>>;
  /** As `follow`, but every event of every stream, undecoded, without those that the store writes for itself (their type begins with `$`). */
  followRaw: (after: Position | null, signal: AbortSignal) => AsyncIterable<RawBatch>;
  /** The last event of the log; null when it is empty. */
  head: () => Promise<Place | null>;
  /** The first event after a position (null: of all), of any stream; null when there is none. */
  following: (position: Position | null) => Promise<Place | null>;
  /** The events of a stream from a revision on, one after the other; none when it has none. To be read to its end. */
  read: <E extends Message>(stream: string, codec: Codec<E>, from: bigint) => AsyncIterable<E>;
  /** The revision of a stream's last event; -1n when it has none. */
  lastRevision: (stream: string) => Promise<bigint>;
  /** Hides the events of a stream before `revision` from readers of the stream (`$tb`); the log of all streams still holds them until scavenged. */
  truncateBefore: (stream: string, revision: bigint) => Promise<void>;
  /** Hides all of a stream that is at `expected`, else throws `WrongRevision`. It may be written again, as one that does not exist. */
  clear: (stream: string, expected: bigint) => Promise<void>;
}>;

/** DI token of the `EventStore`. */
export const EVENT_STORE = Symbol('EventStore');
