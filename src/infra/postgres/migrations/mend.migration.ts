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
`;

/** Checkpoints and what a projection sets aside. */
const projections = ``;

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
-- When everything of a calendar is to be listed by name, whatever its cursor makes unnecessary.
alter table sync_state add column list_due_at timestamptz;
-- Those there are already are spread over a day.
update sync_state set list_due_at = clock_timestamp() + random() * interval '1 day';
`;

/** Connections, the vault and its tombstones. */
const connections = ``;

/** Queues of due work. */
const queues = `
-- The generation that runs have begun and not ended, and the revision its feed was at then.
alter table sync_state add column begun jsonb;

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
const log = ``;

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
