import { type Clock, instant } from '../kernel/clock.js';
import { named, type Sql } from '../kernel/sql.js';
import { type Heard, type Standing } from './hint-outcome.js';

/** A channel that was opened, as far as its notifications are held against it. */
export type KnownChannel = Standing & Readonly<{ provider: string; tokenHash: Uint8Array }>;

type ChannelRow = Readonly<{
  channel_id: string;
  provider: string;
  token_hash: Uint8Array;
  remote: string | null;
  state: Standing['state'];
  seen: string;
  is_connected: boolean;
}>;

/** The channels of these ids, by id; one that there is not is left out. */
export const channelsOf = async (sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, KnownChannel>> => {
  const rows = await sql.query<ChannelRow>(
    `select channel_id, provider, token_hash, remote, state, seen, exists (select 1 from sync_state s where s.calendar_id = c.calendar_id) as is_connected
     from watch_channel c where channel_id = any($1)`,
    [[...new Set(ids)]],
  );
  return new Map(
    rows.map(({ channel_id, token_hash: tokenHash, seen, is_connected: isConnected, ...row }) => [
      channel_id,
      { provider: row.provider, state: row.state, remote: row.remote, tokenHash, seen: BigInt(seen), isConnected },
    ]),
  );
};

/**
 * Rows are locked in the order of their ids, and of their tables, so that two processes never wait for each other. A calendar in trouble keeps its time,
 * since its service may have asked for it, and is read again at once where it is being read right now: that reading may have begun before the change.
 * One that waits for its owner is left to wait. Where notifications were missed, a channel is over, is to be renewed, or can be stopped only now, the
 * calendar's channels are looked after at once.
 */
const HEAR = `
  with hint as (
    select * from unnest(:channels::text[], :numbers::bigint[], :remotes::text[], :changes::boolean[], :ended::boolean[], :ending::boolean[])
      as hint (channel_id, number, remote, is_change, is_ended, is_ending)),
  locked as materialized (select channel_id, remote from watch_channel where channel_id = any(:channels) order by channel_id for update),
  heard as (
    update watch_channel c set seen = greatest(c.seen, hint.number), heard_at = :now, remote = coalesce(c.remote, hint.remote),
      expires_at = case when hint.is_ended then least(c.expires_at, :now) else c.expires_at end,
      renew_at = case when hint.is_ending then least(c.renew_at, :now) else c.renew_at end
    from hint join locked using (channel_id) where c.channel_id = hint.channel_id
    returning c.calendar_id, hint.is_change and c.state in ('live', 'old') as is_change, (c.state = 'closing' and locked.remote is null) or ((hint.is_ended or hint.is_ending) and c.state = 'live') as is_to_tend),
  changed as materialized (
    select calendar_id from sync_state where calendar_id in (select calendar_id from heard where is_change) and due_at < 'infinity'
    order by calendar_id for update),
  woken as (
    update sync_state s set wake = true, lane = 'hot',
      due_at = case when fault is null and unforeseen = 0 and crashes = 0 then least(due_at, :now) else due_at end
    from changed where s.calendar_id = changed.calendar_id returning 1),
  tended as (
    update watch_state set wake = true, missed_at = null, missed = 0,
      due_at = case when unforeseen = 0 and crashes = 0 then least(due_at, :now) else due_at end
    where (calendar_id in (select calendar_id from heard) and (mode = 'polled' or missed > 0 or missed_at is not null))
      or calendar_id in (select calendar_id from heard where is_to_tend)
    returning 1)
  select pg_notify('sync_state', '') from (select from woken limit 1) as any_woken
  union all select pg_notify('watch_state', '') from (select from tended limit 1) as any_tended`;

/** Writes down what was heard of channels, each named once, and wakes the calendars that have changed. */
export const hear = async (sql: Sql, clock: Clock, heard: readonly Heard[]): Promise<void> => {
  if (heard.length === 0) return;
  await sql.query(
    ...named(HEAR, {
      channels: heard.map(({ channel }) => channel),
      numbers: heard.map(({ number }) => String(number)),
      remotes: heard.map(({ remote }) => remote),
      changes: heard.map(({ isChange }) => isChange),
      ended: heard.map(({ isEnded }) => isEnded),
      ending: heard.map(({ isEnding }) => isEnding),
      now: instant(clock.now()),
    }),
  );
};
