import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Read models: occurrences, changes, placement. */
const mergedEvents = `
-- Series that have to be placed again, and why: those of a calendar, or (calendar_id null) of every calendar of a person that names no zone. The
-- projection adds a row when a fact asks for it, and counts how often it did; a worker places page by page and removes the row.
create table placement (
  name text primary key,
  user_id text not null,
  calendar_id uuid,
  reason text not null,
  at timestamptz not null,
  asked integer not null default 1,
  due_at timestamptz not null,
  wake boolean not null default false,
  epoch bigint not null default 0,
  claimed_until timestamptz,
  claimed_by bigint,
  failures integer not null default 0
);
create index placement_due on placement (due_at);
create index placement_user on placement (user_id);

-- What each series of a calendar may hold, so that all of them together hold no more than a calendar may.
alter table event_calendars add column share integer not null default 10000;

-- Series as they count against that: how many repetitions they have (10,000 at most), how many of them may be shown as it was placed (share),
-- by which time it was placed, and when the last of them ends. Of one that is shortened, what time its occurrences are nearest to, and between which instants none of them is missing (null: no end; both null also when it takes no time).
create table event_series (
  calendar_id uuid not null,
  series text not null,
  repetitions integer not null,
  share integer not null,
  placed_at timestamptz not null,
  ends_at timestamptz not null,
  shortened_at timestamptz,
  known_from timestamptz,
  known_until timestamptz,
  primary key (calendar_id, series)
);
create index event_series_shortened on event_series (calendar_id) where shortened_at is not null;
`;

/** Checkpoints and what a projection sets aside. */
const projections = `
-- Of a change of a connection: the category of the stream whose event told it.
alter table changes add column category text;

-- What the rows of a projection mean to the program that wrote them; the first release knew no other than 1.
alter table checkpoint add column meaning integer not null default 1;

-- Programs of the first release do not look at the meaning. Theirs is 1 for a session that says nothing else: they must not go on in newer rows.
create function keep_meaning() returns trigger language plpgsql as $$
begin
  if new.position is not null and new.position is distinct from old.position and new.meaning <> 1
    and coalesce(nullif(current_setting('calendar.meaning', true), ''), '1') <> new.meaning::text then
    raise exception 'a newer version of the service applies the events of %', new.name;
  end if;
  return new;
end $$;
create trigger checkpoint_meaning before update on checkpoint for each row execute function keep_meaning();

-- Calendars of which a projection could not apply an event, at position. contents: whether it brought contents, which a newer generation than this
-- brings again; otherwise it was a fact, and only a newer meaning brings the calendar back.
create table set_aside (
  projection text not null,
  calendar_id uuid not null,
  position bigint not null,
  contents boolean not null,
  generation integer,
  code text not null,
  error text not null,
  primary key (projection, calendar_id)
);
create index set_aside_calendar on set_aside (calendar_id);

-- When a new generation was asked for last because the calendar was aside.
alter table sync_state add column remade_at timestamptz;
`;

/** Zone rules. */
const zoneRules = `
-- Version of the zone rules that occurrences are placed by, in one row; none before there are any. Of those that are there it is not known.
create table event_zone_rules (
  one boolean primary key default true check (one),
  version text not null
);
insert into event_zone_rules (version) select '' where exists (select 1 from event_calendars);
-- Of calendars that wait because zone rules changed: a pattern of the zones in question.
alter table placement add column zones text;
`;

/** What a sync remembers of objects and cursors. */
const sync = `
-- When everything of a calendar is to be listed by name, although its cursor would make that unnecessary.
alter table sync_state add column list_due_at timestamptz;
-- The revision a calendar's feed was at when its last good reading ended; what stands after it, a reading left behind that died.
alter table sync_state add column fed bigint;
-- Those there are already are spread over a day.
update sync_state set list_due_at = clock_timestamp() + random() * interval '1 day';
`;

/** Connections, the vault and its tombstones. */
const connections = `
-- Connections that were revoked, one table for each projection that holds calendars: a calendar adopted behind a revoke belongs to no connection.
create table calendar_tombstones (connection_id uuid primary key);
create table schedule_tombstones (connection_id uuid primary key);
create table event_tombstones (connection_id uuid primary key);
insert into calendar_tombstones select connection_id from connections where status = 'revoked';
insert into schedule_tombstones select connection_id from connections where status = 'revoked';
insert into event_tombstones select connection_id from connections where status = 'revoked';

-- Calendars adopted that way before there were tombstones.
delete from user_calendar_events where calendar_id in (select calendar_id from event_calendars join event_tombstones using (connection_id));
delete from event_contents where calendar_id in (select calendar_id from event_calendars join event_tombstones using (connection_id));
delete from changes where calendar_id in (select calendar_id from event_calendars join event_tombstones using (connection_id));
delete from remote_object where calendar_id in (select calendar_id from sync_state join schedule_tombstones using (connection_id));
delete from sync_run where calendar_id in (select calendar_id from sync_state join schedule_tombstones using (connection_id));
delete from event_calendars where connection_id in (select connection_id from event_tombstones);
delete from sync_state where connection_id in (select connection_id from schedule_tombstones);
delete from calendars where connection_id in (select connection_id from calendar_tombstones);

-- The account a live connection was proved to open, on the row of its key.
alter table vault add column account text;
create unique index vault_account on vault (user_id, account) where account is not null;

-- What failed before a connection was revoked says nothing of its winding up.
update connection_state set failures = 0 where task = 'revoke';

-- A key that is deleted leaves its name behind, so that it is never made again. What stayed pending has sealed nothing.
alter table vault drop constraint vault_status_check, add constraint vault_status_check check (status in ('pending', 'active', 'destroyed'));
create function leave_tombstone() returns trigger language plpgsql as $$
begin
  insert into vault (name, user_id, sealed, status) values (old.name, old.user_id, '', 'destroyed') on conflict (name) do nothing;
  return null;
end $$;
create trigger vault_tombstone after delete on vault for each row
  when (old.status <> 'pending' and (old.name like 'subject:%' or old.name like 'connection:%')) execute function leave_tombstone();
`;

/** Queues of due work. */
const queues = `
-- The generation that runs have begun and not ended, and the revision its feed was at then.
alter table sync_state add column begun jsonb;

-- When a calendar was last read whole by hand, and how many objects its last whole reading brought: what a person may have read whole is limited.
alter table sync_state add column last_full_at timestamptz, add column objects integer;
update sync_state s set objects = (select count(*) from remote_object r where r.calendar_id = s.calendar_id) where last_success_at is not null;

-- What has happened to a row since it last succeeded: failures of which the program knows nothing, deaths of the process that held it, why it is
-- tried only once a day, and in which version of the program it failed last.
alter table sync_state add column unforeseen integer not null default 0, add column crashes integer not null default 0, add column set_aside text,
  add column failed_in text;
alter table connection_state add column unforeseen integer not null default 0, add column crashes integer not null default 0, add column set_aside text,
  add column failed_in text;
alter table clean_up add column unforeseen integer not null default 0, add column crashes integer not null default 0, add column set_aside text,
  add column failed_in text;
alter table placement add column unforeseen integer not null default 0, add column crashes integer not null default 0, add column set_aside text,
  add column failed_in text;
`;

/** The log store and its scavenges. */
const log = `
-- Parts of feeds as they were appended, with their size in bytes; hidden_at: since when no reader of the feed sees them, though the log has them.
create table log_chunk (stream text collate "C", revision bigint, bytes bigint not null, hidden_at timestamptz, primary key (stream, revision));
create index log_chunk_hidden on log_chunk (hidden_at) where hidden_at is not null;
-- What was hidden before this was counted: of unknown size, so it is to be scavenged soon.
insert into log_chunk (stream, revision, bytes, hidden_at) select 'feed-' || calendar_id, -1, 0, now() - interval '7 days' from sync_state;
-- The newest scavenge of each node of the event store. ended_at null: it was asked for and has not ended.
create table log_scavenge (node text primary key, round_at timestamptz not null, scavenge_id text, ended_at timestamptz, result text);
-- What all scavenges removed, in bytes; one row.
create table log_freed (bytes bigint not null);
insert into log_freed values (0);
`;

/** What changed in the tables since the first release. */
export class Mend1764150000000 implements MigrationInterface {
  readonly name = 'Mend1764150000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [mergedEvents, projections, zoneRules, sync, connections, queues, log])
      if (part.trim() !== '') await runner.query(part);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
