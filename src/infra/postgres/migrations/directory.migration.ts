import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- What the directory told last. teams: null for what it took out, which is remembered for a while so that an older message does not bring it back.
create table directory_members (
  user_id text primary key,
  teams text[],
  told_at timestamptz not null
);

create table directory_resources (
  resource_id text primary key,
  kind text check (kind in ('room', 'equipment')),
  name text,
  capacity integer,
  time_zone text,
  teams text[],
  told_at timestamptz not null,
  check ((teams is null) = (kind is null) and (teams is null) = (name is null))
);
`;

/** Teams, rooms and resources as the directory tells them. */
export class Directory1764222000000 implements MigrationInterface {
  readonly name = 'Directory1764222000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table directory_members, directory_resources');
  }
}
