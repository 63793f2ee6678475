import { type Cause, metadataOf } from '../kernel/cause.js';
import { type Clock, instant } from '../kernel/clock.js';
import { Superseded } from '../kernel/due-work.js';
import { type EventStore, type Position } from '../kernel/event-store.js';
import { named, type Sql } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { feedCodec } from './feed.codec.js';
import { type DeltaSynced, FEED, type Upsert } from './feed.js';
import { type Pace } from './feed.pace.js';

/** Where one run writes: which generation of which calendar, under which lease. */
export type FeedTarget = Readonly<{
  calendarId: string;
  userId: string;
  generation: number;
  window: TimeRange;
  cause: Cause;
  /** Of the claim: what is known of objects is written under no other. */
  epoch: bigint;
  permit: () => Promise<void>;
  /** Goes off when the claim is lost or the worker stops. */
  signal: AbortSignal;
}>;

/** What `remote_object` shall say of an object once the log has it. */
export type Remembered = Readonly<{ ref: string; etag: string | null; hash: string | null; fault: string | null }>;

type Part = Pick<DeltaSynced, 'upserts' | 'removals' | 'kept' | 'final'>;

type Runtime = Readonly<{ store: EventStore; sql: Sql; clock: Clock; newId: () => string; pace: Pace }>;

/** What EventStoreDB takes in one append unless told otherwise (`MaxAppendSize`), in bytes. */
const LARGEST_APPEND = 1_048_576;

/** More than an event holds beside its objects and names, its metadata included, in bytes. */
const ENVELOPE = 4_096;

/** A chunk holds no more bytes unless one object alone does, so that readers hold little at a time. */
const CHUNK = 256 * 1024;

/** Nor more occurrences, as far as several objects have them: as many as a projection writes at once. */
const MOST_OCCURRENCES = 5_000;

/** What is remembered of objects goes into one statement: of so many at most. */
const MOST_REMEMBERED = 2_000;

/** What a chunk takes of a projection's time besides its objects, as a number of occurrences. */
const EVENT = 25;

/** More than naming an object in a chunk takes, in bytes. */
const NAME = 64;

/** The bytes an object takes in the log. */
export const encodedLength = (upsert: Upsert): number => Buffer.byteLength(JSON.stringify(upsert)) + 1;

/** What an object adds to a chunk: bytes as `encodedLength` counts them, and occurrences. */
export type Weight = Readonly<{ bytes: number; occurrences: number }>;

/** An object of more bytes fits into no append, even alone. */
export const LARGEST_UPSERT = LARGEST_APPEND - ENVELOPE;

/**
 * Appends what a run found, chunk by chunk, one append in flight while the next chunk fills. Each append names the revision this run
 * expects: a worker that lost its lease cannot write after its successor has. `remote_object` follows each acknowledgement.
 */
export class FeedWriter {
  private upserts = new Map<string, Upsert>();
  private removals = new Set<string>();
  private remembered: Remembered[] = [];
  private unreadable: string[] = [];
  private size = 0;
  private occurrences = 0;
  private inFlight: Promise<void> = Promise.resolve();
  /** Revision of the run's first chunk, what came before it is superseded by a whole generation; null before any. */
  first: bigint | null = null;
  position: Position | null = null;

  /** `last`: the revision the feed was at when the run had claimed it. */
  constructor(
    private readonly runtime: Runtime,
    private readonly target: FeedTarget,
    private last: bigint,
  ) {}

  /** Where the feed stands: at the last chunk of this run, or of those before. */
  get revision(): bigint {
    return this.last;
  }

  /** What a chunk is counted by: the window its objects are expanded in, and when it would be written. */
  get window(): TimeRange {
    return this.target.window;
  }

  now(): number {
    return this.runtime.clock.now();
  }

  /** Of an object that comes twice, as some servers list one, the last version is written. `remembered` null: what is remembered of it stays. */
  async upsert(upsert: Upsert, { bytes, occurrences }: Weight, remembered: Remembered | null): Promise<void> {
    // Before it is added: what waits and this object together may be more than the store takes.
    if (this.size > 0 && (this.size + bytes > CHUNK || this.occurrences + occurrences > MOST_OCCURRENCES)) await this.flush();
    this.occurrences += occurrences;
    this.upserts.set(upsert.ref, upsert);
    this.removals.delete(upsert.ref);
    if (remembered !== null) this.remembered.push(remembered);
    this.size += bytes;
    await this.flushWhenFull();
  }

  /** Remembers an object whose content is not appended: unchanged, without an event, or (`hash` null) not to be had. */
  async remember(remembered: Remembered): Promise<void> {
    this.remembered.push(remembered);
    if (remembered.hash === null) this.unreadable.push(remembered.ref);
    await this.flushWhenFull();
  }

  async remove(ref: string): Promise<void> {
    this.removals.add(ref);
    this.upserts.delete(ref);
    this.size += NAME;
    await this.flushWhenFull();
  }

  /** Appends what waits; with `final` a last chunk is written even when nothing does. */
  async flush(final = false): Promise<void> {
    await this.inFlight;
    const part = { upserts: [...this.upserts.values()], removals: [...this.removals], kept: this.unreadableFor(final), final };
    const remembered = this.remembered;
    const weight = EVENT + part.upserts.length + part.removals.length + this.occurrences;
    this.upserts = new Map();
    this.removals = new Set();
    [this.remembered, this.size, this.occurrences] = [[], 0, 0];
    this.inFlight = this.write(part, weight, remembered);
    // A failure is the next caller's; without a handler it would count as unhandled until then.
    this.inFlight.catch(() => undefined);
  }

  private async flushWhenFull(): Promise<void> {
    const full = this.size >= CHUNK || this.occurrences >= MOST_OCCURRENCES;
    if (full || this.remembered.length >= MOST_REMEMBERED || this.unreadable.length >= MOST_REMEMBERED) await this.flush();
  }

  /**
   * The names of unreadable objects that the next chunk takes along. They alone make no chunk until they are many, and a chunk that a large
   * object fills has no room for them: they wait for the one after it.
   */
  private unreadableFor(final: boolean): readonly string[] {
    const travels = this.size > 0 || final || this.unreadable.length >= MOST_REMEMBERED;
    return travels && this.size <= CHUNK ? this.unreadable.splice(0) : [];
  }

  /** Waits for the last append. */
  async settled(): Promise<void> {
    await this.inFlight;
  }

  private async write(part: Part, weight: number, remembered: readonly Remembered[]): Promise<void> {
    const { userId, permit, signal } = this.target;
    if (part.upserts.length + part.removals.length + part.kept.length > 0 || part.final) {
      const admitted = await this.runtime.pace.enter(userId, weight, signal);
      let position: Position | null = null;
      try {
        await permit();
        position = await this.append(part);
      } finally {
        admitted(position);
      }
    }
    if (remembered.length > 0) await writeRemembered(this.runtime.sql, this.target, remembered);
  }

  private async append(part: Part): Promise<Position> {
    const { calendarId, userId, generation, window, cause } = this.target;
    const at = instant(this.runtime.clock.now());
    const event = { type: 'DeltaSynced', calendarId, userId, generation, window, ...part, at } as const;
    const metadata = metadataOf(cause, this.runtime.newId());
    const { revision, position } = await this.runtime.store.append(`${FEED}-${calendarId}`, this.last, [event], feedCodec, metadata);
    this.first ??= revision;
    [this.last, this.position] = [revision, position];
    return position;
  }
}

/**
 * The claim is held fast while it is looked at, so that nothing is remembered of a calendar that was revoked or taken over meanwhile. The commit does not
 * wait for the disk: that of the cursor does, which comes later and without which all is read again.
 */
const writeRemembered = async (
  sql: Sql,
  { calendarId, generation, epoch }: FeedTarget,
  remembered: readonly Remembered[],
): Promise<void> => {
  const last = [...new Map(remembered.map((object) => [object.ref, object])).values()];
  const held = await sql.query(
    ...named(
      `with held as materialized (
       select set_config('synchronous_commit', 'off', true) from sync_state where calendar_id = :calendarId and epoch = :epoch for share),
     written as (insert into remote_object (calendar_id, ref, etag, hash, generation, fault)
       select :calendarId, ref, etag, hash, :generation, fault
         from held, unnest(:refs::text[], :etags::text[], :hashes::text[], :faults::text[]) as fresh(ref, etag, hash, fault)
       on conflict (calendar_id, ref) do update set etag = excluded.etag, hash = coalesce(excluded.hash, remote_object.hash),
         generation = excluded.generation, fault = excluded.fault)
     select from held`,
      {
        calendarId,
        generation,
        refs: last.map(({ ref }) => ref),
        etags: last.map(({ etag }) => etag),
        hashes: last.map(({ hash }) => hash),
        faults: last.map(({ fault }) => fault),
        epoch,
      },
    ),
  );
  if (held.length === 0) throw new Superseded();
};
