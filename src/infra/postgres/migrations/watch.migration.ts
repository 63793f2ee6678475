import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- A channel at a calendar service that tells of changes. Of its token only the hash (SHA-256) is kept. remote: what the service calls it; null until
-- its answer or its first notification says so. seen: the highest number among its notifications; heard_at: when the last of them came.
create table watch_channel (
  channel_id text primary key,
  provider text not null,
  user_id text not null,
  connection_id uuid not null,
  calendar_id uuid not null,
  token_hash bytea not null,
  remote text,
  state text not null check (state in ('opening', 'live', 'old', 'closing')),
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  renew_at timestamptz not null,
  seen bigint not null default 0,
  heard_at timestamptz
);
create unique index watch_channel_live on watch_channel (calendar_id) where state = 'live';
create unique index watch_channel_opening on watch_channel (calendar_id) where state = 'opening';
create index watch_channel_calendar on watch_channel (calendar_id);
create index watch_channel_connection on watch_channel (connection_id);

-- What is due for the channels of a calendar whose service tells of changes. mode: whether it is relied on to do so, or why not (reason). missed_at:
-- since when a change that a reading found is not told of; missed: how many such in a row.
create table watch_state (
  calendar_id uuid primary key references sync_state on delete cascade,
  connection_id uuid not null,
  user_id text not null,
  provider text not null,
  due_at timestamptz not null,
  wake boolean not null default false,
  epoch bigint not null default 0,
  claimed_until timestamptz,
  claimed_by bigint,
  failures integer not null default 0,
  unforeseen integer not null default 0,
  crashes integer not null default 0,
  set_aside text,
  failed_in text,
  mode text not null default 'polled' check (mode in ('polled', 'pushed', 'unwatchable')),
  reason text,
  missed_at timestamptz,
  missed integer not null default 0
);
create index watch_state_due on watch_state (due_at);
create index watch_state_connection on watch_state (connection_id);
create index watch_state_claimed on watch_state (connection_id) where claimed_until is not null;
insert into watch_state (calendar_id, connection_id, user_id, provider, due_at)
  select calendar_id, connection_id, user_id, provider, now() from sync_state where provider = 'google';
`;

/** Channels by which services tell of changes in calendars, and what is due for them. */
export class Watch1764213000000 implements MigrationInterface {
  readonly name = 'Watch1764213000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table watch_state, watch_channel');
  }
}
