import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { operational } from './schema-operational.migration.js';

const infrastructure = `
-- How far a projection has looked through the log, which may be past its end, and the last event it has applied; begun_at: when it had to start
-- from zero because an older log was restored.
create table checkpoint (name text primary key, position bigint, applied bigint, moved_at timestamptz, begun_at timestamptz);

-- The log that the read models are built from.
create table known_log (name uuid not null, only_one boolean primary key default true check (only_one));

-- Numbers of workers: each holds a lock of its number while it lives, and claims rows by it.
create sequence worker_number as integer cycle;

-- Check values of the master keys that ever wrapped keys of people: a wrong one is told at start.
create table master_key (id text primary key, admitted_at timestamptz not null default clock_timestamp(), retired_at timestamptz);

-- Keys and secrets, the keys of people with the master key they are wrapped by. \`pending\` rows belong to a connection that is being made; what stays pending is swept.
create table vault (
  name text primary key,
  user_id text not null,
  connection_id uuid,
  sealed bytea not null,
  wrapped_by text,
  status text not null check (status in ('pending', 'active')),
  created_at timestamptz not null default clock_timestamp()
);
create index vault_user on vault (user_id);
create index vault_wrapped on vault (wrapped_by) where wrapped_by is not null;
create index vault_connection on vault (connection_id);
create index vault_pending on vault (created_at) where status = 'pending';
`;

const readModels = `
create table connections (
  connection_id uuid primary key,
  user_id text not null,
  provider text not null,
  access text not null,
  account text not null,
  status text not null,
  reason text,
  sealed text,
  consent_version text not null,
  consented_at timestamptz not null,
  connected_at timestamptz not null,
  revoked_at timestamptz,
  grant_ended text,
  purged_at timestamptz,
  revision bigint not null
);
create index connections_user on connections (user_id);

create table calendars (
  calendar_id uuid primary key,
  connection_id uuid not null,
  user_id text not null,
  provider text not null,
  status text not null,
  mode text not null,
  privacy text not null,
  visible boolean not null,
  writable boolean not null,
  busy_only boolean not null,
  color text,
  time_zone text,
  sealed text not null,
  generation integer not null,
  fault text,
  held_removals integer,
  revision bigint not null
);
create index calendars_user on calendars (user_id);
create index calendars_connection on calendars (connection_id);

create table preferences (
  user_id text primary key,
  time_zone text,
  tentative_is_busy boolean not null,
  external_changes text not null,
  sealed text,
  revision bigint not null
);

-- What the projection of events must know of a calendar to write its rows.
create table event_calendars (
  calendar_id uuid primary key,
  connection_id uuid not null,
  user_id text not null,
  provider text not null,
  time_zone text,
  visible boolean not null default true,
  window_start timestamptz,
  window_end timestamptz,
  whole boolean not null default false
);
create index event_calendars_connection on event_calendars (connection_id);
create index event_calendars_user on event_calendars (user_id);

-- Where people are, for calendars that do not say it.
create table event_people (user_id text primary key, time_zone text);

create table event_contents (
  calendar_id uuid not null,
  ref text not null,
  series text not null,
  generation integer not null,
  timings json not null,
  unplaced boolean not null,
  unexpandable text,
  sealed text not null,
  hash text not null,
  primary key (calendar_id, ref)
);
create index event_contents_series on event_contents (calendar_id, series);
create index event_contents_unplaced on event_contents (calendar_id, series) where unplaced;
create index event_contents_unexpandable on event_contents (calendar_id) where unexpandable is not null;

create table user_calendar_events (
  calendar_id uuid not null,
  series text not null,
  original text not null,
  ref text not null,
  component integer not null,
  user_id text not null,
  provider text not null,
  generation integer not null,
  start_at timestamptz not null,
  end_at timestamptz not null,
  all_day boolean not null,
  floating boolean not null,
  local_start text,
  local_end text,
  zone text,
  status text not null,
  busy text not null,
  private boolean not null,
  recurring boolean not null,
  copy text not null,
  primary key (calendar_id, series, original)
);
create index user_calendar_events_time on user_calendar_events (user_id, start_at, calendar_id, series, original);
create index user_calendar_events_copy on user_calendar_events (user_id, copy, split_part(original, '_', 1));

-- What changed in a person's merged calendar and connections, in the order of the log.
create table changes (
  user_id text not null,
  position bigint not null,
  part integer not null,
  calendar_id uuid,
  connection_id uuid,
  at timestamptz not null,
  change text not null,
  series text,
  original text,
  start_at timestamptz,
  end_at timestamptz,
  local_start text,
  local_end text,
  all_day boolean,
  status text,
  busy text,
  recurring boolean,
  primary key (user_id, position, part)
);
create index changes_calendar on changes (calendar_id);
`;

/** The tables of the first release: read models (rebuilt by replay), operational state (rebuilt by a new sync), vault and checkpoints. */
export class Schema1763800000000 implements MigrationInterface {
  readonly name = 'Schema1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(infrastructure);
    await runner.query(readModels);
    await runner.query(operational);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table team_members, clean_up, sync_run, remote_object, connection_state, sync_state, changes, user_calendar_events, event_contents,
      event_people, event_calendars, calendars, preferences, connections, vault, master_key, checkpoint`);
    await runner.query('drop sequence worker_number');
    await runner.query('drop table stream_ticket, idempotency');
  }
}
