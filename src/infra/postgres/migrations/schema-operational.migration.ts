/** Tables of the first release whose rows no replay brings back: what is due, what is known of objects, requests and tickets. */
export const operational = `
-- Who is in which team, as the token they showed last says.
create table team_members (user_id text not null, team text not null, seen_at timestamptz not null, primary key (user_id, team));

create table sync_state (
  calendar_id uuid primary key,
  connection_id uuid not null,
  user_id text not null,
  provider text not null,
  sealed text not null,
  cursor text,
  generation integer not null default 0,
  generation_due_at timestamptz,
  window_start timestamptz,
  window_end timestamptz,
  lane text not null default 'hot',
  due_at timestamptz not null,
  wake boolean not null default true,
  epoch bigint not null default 0,
  claimed_until timestamptz,
  claimed_by bigint,
  full_requested boolean not null default false,
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  last_manual_at timestamptz,
  position bigint,
  -- From this time on its rows may be kept for 30 days without another reading; a later reading counts instead.
  retained_from timestamptz not null default clock_timestamp(),
  mode text not null default 'poll',
  failures integer not null default 0,
  fault text,
  held text
);
create index sync_state_due on sync_state (due_at);
create index sync_state_user on sync_state (user_id);
create index sync_state_connection on sync_state (connection_id);

-- Requests that came under a key of their sender's, for a day: marks, and the answer sealed.
create table idempotency (
  user_id text not null,
  key text not null,
  fingerprint text not null,
  holder uuid not null,
  held_until timestamptz not null,
  answer text,
  created_at timestamptz not null,
  primary key (user_id, key)
);
create index idempotency_age on idempotency (created_at);

-- Hashes of tickets that open a stream once.
create table stream_ticket (
  hash text primary key,
  user_id text not null,
  roles text[] not null,
  teams text[] not null,
  until timestamptz not null,
  expires_at timestamptz not null
);

create table connection_state (
  connection_id uuid primary key,
  user_id text not null,
  provider text not null,
  task text not null,
  due_at timestamptz not null,
  wake boolean not null default false,
  epoch bigint not null default 0,
  claimed_until timestamptz,
  claimed_by bigint,
  failures integer not null default 0
);
create index connection_state_due on connection_state (due_at);

create table remote_object (
  calendar_id uuid not null,
  ref text not null,
  etag text,
  hash text,
  generation integer not null,
  fault text,
  primary key (calendar_id, ref)
);
create index remote_object_fault on remote_object (calendar_id) where fault is not null;

create table sync_run (
  sync_id uuid not null,
  calendar_id uuid not null,
  user_id text not null,
  requested_at timestamptz not null,
  full_read boolean not null default false,
  state text not null,
  done integer not null default 0,
  expected integer,
  code text,
  position bigint,
  finished_at timestamptz,
  primary key (sync_id, calendar_id)
);
create index sync_run_user on sync_run (user_id);
create index sync_run_open on sync_run (calendar_id) where finished_at is null;

create table clean_up (
  name text primary key,
  due_at timestamptz not null,
  wake boolean not null default false,
  epoch bigint not null default 0,
  claimed_until timestamptz,
  claimed_by bigint,
  last_run_at timestamptz
);
`;
