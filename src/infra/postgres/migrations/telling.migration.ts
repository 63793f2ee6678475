import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- Calendars that the relay tells whole, a piece at a time. nr: of the last time it was asked for. position, part: changes up to there have been told.
-- series, original, count: how far its events have been told, and how many; series is null until it is told that they begin.
create table telling (
  calendar_id uuid primary key,
  user_id text not null,
  nr bigserial,
  change text not null,
  origin jsonb not null,
  at timestamptz not null,
  stage text not null default 'before',
  position bigint not null,
  part integer not null,
  series text,
  original text,
  count integer not null default 0
);
create index telling_person on telling (user_id, nr);
`;

/** Calendars that are told whole. */
export class Telling1764230000000 implements MigrationInterface {
  readonly name = 'Telling1764230000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table telling');
  }
}
