import { type CleanUp, deletion } from '../kernel/clean-up.js';
import { metadataOf, systemCause } from '../kernel/cause.js';
import { DAY, HOUR, instant, MINUTE } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore, type Metadata, WrongRevision } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Calendar, calendar } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { feedCodec } from './feed.codec.js';
import { type DeltaSynced, FEED } from './feed.js';

/** What is known of a calendar is kept for 30 days after it was last read to its end. */
const KEPT = 30 * DAY;

/** Longer than one calendar takes. */
const CLAIM = MINUTE;

type Runtime = Readonly<{ database: Database; store: EventStore; entropy: Entropy }>;
type Claimed = Readonly<{ calendar_id: string; user_id: string; epoch: string }>;

/** Takes a calendar whose time has passed away from the sync workers; one that is being read is left to its reading. */
const claim = async (database: Database, now: number): Promise<Claimed | undefined> => {
  const [row] = await database.query<Claimed>(
    `update sync_state set epoch = epoch + 1, claimed_until = clock_timestamp() + $2 * interval '1 millisecond', claimed_by = null
     where calendar_id = (
       select calendar_id from sync_state
       where greatest(last_success_at, retained_from) < $1 and (claimed_until is null or claimed_until < clock_timestamp()) limit 1 for update skip locked)
     returning calendar_id, user_id, epoch`,
    [instant(now - KEPT), CLAIM],
  );
  return row;
};

/** The last part of an expired feed. It holds nothing: a store keeps the newest event of a stream, also when all of it is hidden and scavenged. */
const closingPart = (calendarId: string, state: Calendar, at: string): DeltaSynced | null => {
  if (state.status === 'none' || state.window === null) return null;
  const { userId, generation, window } = state;
  return {
    type: 'DeltaSynced',
    calendarId,
    userId,
    generation,
    window,
    upserts: [],
    removals: [],
    kept: [],
    final: false,
    at,
  };
};

/** A generation that began meanwhile appends to the feed, and hides what was before it when it is complete. */
const clearFeed = async (store: EventStore, last: bigint, part: DeltaSynced | null, metadata: Metadata): Promise<void> => {
  if (last < 0n || part === null) return;
  const stream = `${FEED}-${part.calendarId}`;
  try {
    const { revision } = await store.append(stream, last, [part], feedCodec, metadata);
    await store.clear(stream, revision);
  } catch (error) {
    if (!(error instanceof WrongRevision)) throw error;
  }
};

/**
 * The fact first, on the generation that was looked at: one that began meanwhile is left alone. Then what the fact makes worthless, and last
 * the row that says there is work to do. Answers whether anything was expired.
 */
const expire = async (
  { database, store, entropy }: Runtime,
  { calendar_id: id, user_id: userId, epoch }: Claimed,
  now: number,
): Promise<boolean> => {
  const { state: before } = await store.stateOf(calendar, calendarCodec, id);
  const generation = before.status === 'none' ? 0 : before.generation;
  const last = await store.lastRevision(`${FEED}-${id}`);
  const cause = systemCause('projector', userId, entropy.uuid());
  const metadata = () => metadataOf(cause, entropy.uuid());
  const { state, position } = await handle(store, calendar, calendarCodec, {
    id,
    command: { type: 'ExpireFeed', generation, at: instant(now) },
    metadata: metadata(),
    ifMatch: null,
  });
  if (state.status !== 'none' && state.generation === generation) {
    await clearFeed(store, last, closingPart(id, before, instant(now)), metadata());
    await database.query(
      'delete from remote_object where calendar_id = $1 and exists (select 1 from sync_state where calendar_id = $1 and epoch = $2)',
      [id, epoch],
    );
  }
  await database.query(
    `update sync_state set cursor = null, generation_due_at = null, window_start = null, window_end = null, last_success_at = null, fresh_until = null, held = null, begun = null,
       retained_from = $3, claimed_until = null
     where calendar_id = $1 and epoch = $2`,
    [id, epoch, instant(now)],
  );
  return position !== null;
};

/** Takes away what is known of calendars that could not be read for 30 days, in the read models and in the log; a sync reads them whole again. */
const feeds = (runtime: Runtime): CleanUp => ({
  name: 'feeds',
  every: HOUR,
  remove: async (now, lease) => {
    for (let expired = 0; ;) {
      await lease.permit();
      const claimed = await claim(runtime.database, now);
      if (claimed === undefined) return expired;
      if (await expire(runtime, claimed, now)) expired += 1;
    }
  },
});

const FINISHED_RUNS = `delete from sync_run where ctid = any(array(select ctid from sync_run where requested_at < $1 limit $2)) returning 1`;

/** What calendars leave behind. */
export const calendarCleanUps = (runtime: Runtime): readonly CleanUp[] => [
  feeds(runtime),
  deletion(runtime.database, { name: 'sync-runs', every: HOUR, keepFrom: (now) => now - DAY, statement: FINISHED_RUNS, projection: null }),
];
