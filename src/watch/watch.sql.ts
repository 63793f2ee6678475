import { type Clock, instant } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Database, named, type Sql } from '../kernel/sql.js';
import { type WatchMode } from '../provider/abilities.js';
import { type OpenChannel } from '../provider/push.js';
import { type Channel, isOver, isToStop, liveOf, renewalAt, type Watch } from './channel.js';
import { type Unwatched } from './unwatched.js';

/** A claimed row of `watch_state`. */
export type WatchRow = Readonly<{
  calendar_id: string;
  connection_id: string;
  user_id: string;
  provider: string;
  failures: number;
  mode: WatchMode;
  reason: Unwatched | null;
  missed_at: Date | null;
  missed: number;
}>;

type ChannelRow = Readonly<{
  channel_id: string;
  state: Channel['state'];
  remote: string | null;
  opened_at: Date;
  expires_at: Date;
  renew_at: Date;
  heard_at: Date | null;
  address: string | null;
}>;

export const watchOf = ({ mode, reason, missed_at, missed }: WatchRow): Watch => ({
  mode,
  reason,
  missedAt: missed_at?.getTime() ?? null,
  missed,
});

/** The channels of a calendar. `webhook`: where its notifications go now; null where it gets none. */
export const channelsOf = async (sql: Sql, calendarId: string, webhook: string | null): Promise<readonly Channel[]> =>
  (await sql.query<ChannelRow>('select * from watch_channel where calendar_id = $1 order by opened_at, channel_id', [calendarId])).map(
    (row) => ({
      id: row.channel_id,
      state: row.state,
      remote: row.remote,
      openedAt: row.opened_at.getTime(),
      expiresAt: row.expires_at.getTime(),
      renewAt: row.renew_at.getTime(),
      heardAt: row.heard_at?.getTime() ?? null,
      isElsewhere: row.address !== webhook,
    }),
  );

/**
 * Writes if the claim still holds when all of it is written. Statements lock `watch_channel` first, then `sync_state`, then `watch_state`, as those of
 * the door for notifications do.
 */
const fenced = <T>(database: Database, { calendar_id }: WatchRow, { epoch }: Lease, work: (sql: Sql) => Promise<T>): Promise<T> =>
  database.transaction(async (sql) => {
    const done = await work(sql);
    const held = await sql.query('select 1 from watch_state where calendar_id = $1 and epoch = $2 for update', [calendar_id, epoch]);
    if (held.length === 0) throw new Superseded();
    return done;
  });

type Tidying = Readonly<{ wanted: boolean; now: number; webhook: string | null }>;

/** Forgets channels that have ended, and marks those that are to be stopped. Answers what is left. `wanted`: as for `isToStop`. */
export const tidied = (database: Database, row: WatchRow, lease: Lease, { wanted, now, webhook }: Tidying): Promise<readonly Channel[]> =>
  fenced(database, row, lease, async (sql) => {
    const all = await channelsOf(sql, row.calendar_id, webhook);
    const live = liveOf(all, now);
    const toStop = all.filter((channel) => isToStop(channel, live, { wanted, now })).map(({ id }) => id);
    await sql.query(`update watch_channel set state = 'closing' where channel_id = any($1)`, [toStop]);
    await sql.query('delete from watch_channel where channel_id = any($1)', [
      all.filter((channel) => isOver(channel, now)).map(({ id }) => id),
    ]);
    return channelsOf(sql, row.calendar_id, webhook);
  });

export const forgetChannel = async (sql: Sql, id: string): Promise<void> => {
  await sql.query('delete from watch_channel where channel_id = $1', [id]);
};

/** Has a channel stopped that may exist. `remote` stays what it is where null is given. */
export const abandonChannel = async (sql: Sql, id: string, remote: string | null): Promise<void> => {
  await sql.query(`update watch_channel set state = 'closing', remote = coalesce($2, remote) where channel_id = $1`, [id, remote]);
};

/** Whether a worker will look after the channels of a calendar: not once its connection was revoked. */
export const isWatched = async (sql: Sql, calendarId: string): Promise<boolean> =>
  (await sql.query('select 1 from watch_state where calendar_id = $1', [calendarId])).length > 0;

type Announced = Readonly<{ id: string; tokenHash: Buffer; address: string; now: number; until: number }>;

/** Committed before the service is asked, because a channel that we know nothing of could never be stopped. */
export const announceChannel = (
  database: Database,
  row: WatchRow,
  lease: Lease,
  { id, tokenHash, address, now, until }: Announced,
): Promise<unknown> => {
  const { provider, user_id: userId, connection_id: connectionId, calendar_id: calendarId } = row;
  return fenced(database, row, lease, (sql) =>
    sql.query(
      ...named(
        `insert into watch_channel (channel_id, provider, user_id, connection_id, calendar_id, token_hash, address, state, opened_at, expires_at,
           renew_at)
         values (:id, :provider, :userId, :connectionId, :calendarId, :tokenHash, :address, 'opening', :now, :until, :until)`,
        { id, provider, userId, connectionId, calendarId, tokenHash, address, now: instant(now), until: instant(until) },
      ),
    ),
  );
};

/** Has a calendar that is read at all read at once. A refused account waits for its owner, a failing one for its time. */
const WAKE = `update sync_state set due_at = least(due_at, $2), wake = true, lane = 'hot'
  where calendar_id = $1 and fault is null and due_at < 'infinity'`;

type Ports = Readonly<{ database: Database; clock: Clock }>;

/** A channel that was opened. `isHeard`: its opening has shown that the service reaches us. `fraction`: in [0, 1); spreads renewals. */
type Opened = OpenChannel & Readonly<{ isHeard: boolean; fraction: number }>;

/** The channel is live from here on, and the one before is old. What changed between the last reading and the channel is read at once. */
export const adoptChannel = (
  { database, clock }: Ports,
  row: WatchRow,
  lease: Lease,
  { id, remote, until, isHeard, fraction }: Opened,
): Promise<void> =>
  fenced(database, row, lease, async (sql) => {
    const now = clock.now();
    await sql.query(`update watch_channel set state = 'old' where calendar_id = $1 and state = 'live'`, [row.calendar_id]);
    const live = await sql.query(
      `update watch_channel set state = 'live', remote = $2, expires_at = $3, renew_at = $4, heard_at = coalesce(heard_at, $5)
       where channel_id = $1 and state = 'opening' returning 1`,
      [id, remote, until, instant(renewalAt(now, until.getTime(), fraction)), isHeard ? instant(now) : null],
    );
    if (live.length === 0) throw new Superseded();
    await sql.query(WAKE, [row.calendar_id, instant(now)]);
    await sql.query('notify sync_state');
  });

/** A channel lives longer than it did. One that is not live any more is left as it is. */
export const prolongChannel = (
  { database, clock }: Ports,
  row: WatchRow,
  lease: Lease,
  { id, until, fraction }: Pick<Opened, 'id' | 'until' | 'fraction'>,
): Promise<unknown> =>
  fenced(database, row, lease, (sql) =>
    sql.query(`update watch_channel set expires_at = $2, renew_at = $3 where channel_id = $1 and state = 'live'`, [
      id,
      until,
      instant(renewalAt(clock.now(), until.getTime(), fraction)),
    ]),
  );

/** `dueAt`: Infinity until something wakes the row. `polledWithin`: milliseconds within which the calendar is read without push. */
type Settled = Readonly<{ watch: Watch; failures: number; dueAt: number; polledWithin: number; now: number }>;

/** A calendar that is not told of any more is read within the interval of those that are polled; a reading that goes on has promised another one. */
const POLLED = `update sync_state set due_at = least(due_at, $2), wake = wake or claimed_until is not null
  where calendar_id = $1 and fault is null and due_at < 'infinity'`;

/** How the calendar is watched from here on. What was noted of it while it was looked at stays. */
export const settleWatch = (
  database: Database,
  row: WatchRow,
  lease: Lease,
  { watch, failures, dueAt, polledWithin, now }: Settled,
): Promise<unknown> =>
  fenced(database, row, lease, async (sql) => {
    if (row.mode === 'pushed' && watch.mode !== 'pushed') await sql.query(POLLED, [row.calendar_id, instant(now + polledWithin)]);
    const { mode, reason, missed, missedAt } = watch;
    await sql.query(
      ...named(
        `update watch_state set mode = :mode, reason = :reason, failures = :failures, due_at = :dueAt,
           missed_at = case when missed_at is not distinct from :missedBefore::timestamptz then :missedAt::timestamptz else missed_at end,
           missed = case when missed = :before then :missed else missed end
         where calendar_id = :calendarId and epoch = :epoch`,
        {
          ...{ mode, reason, failures, missed, before: row.missed, calendarId: row.calendar_id, epoch: lease.epoch },
          ...{ missedBefore: row.missed_at, missedAt: missedAt === null ? null : instant(missedAt) },
          dueAt: Number.isFinite(dueAt) ? instant(dueAt) : 'infinity',
        },
      ),
    );
  });

/** Milliseconds between two calendars whose channels go to another address: replacing all at once would use up what services answer in a minute. */
const APART = 50;

const MOVED = `
  with here as (select * from unnest($2::text[], $3::text[]) as here (provider, address)),
  moved as (
    select w.calendar_id, row_number() over (order by w.calendar_id) as place
    from watch_state w join here using (provider) join watch_channel c on c.calendar_id = w.calendar_id and c.state = 'live'
    where c.address is distinct from here.address)
  update watch_state w set due_at = least(due_at, $1::timestamptz + moved.place * $4 * interval '1 millisecond'),
    wake = w.wake or w.claimed_until is not null
  from moved where w.calendar_id = moved.calendar_id`;

/**
 * Looks again at calendars whose service can reach this one now, or can no longer, because the operator has set another address; and, one after the
 * other, at those whose channels go to the address from before. `webhooks`: where the notifications of each service go that can reach this one.
 */
export const lookAgain = async (sql: Sql, clock: Clock, webhooks: ReadonlyMap<string, string>): Promise<void> => {
  const [now, reachable] = [instant(clock.now()), [...webhooks.keys()]];
  await sql.query(
    `update watch_state set due_at = least(due_at, $1), wake = true
     where case when provider = any($2) then reason = 'push.not-public' else mode = 'pushed' end`,
    [now, reachable],
  );
  await sql.query(MOVED, [now, reachable, [...webhooks.values()], APART]);
  await sql.query('notify watch_state');
};
