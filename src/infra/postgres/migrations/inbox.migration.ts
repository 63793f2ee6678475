import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- Messages that a consumer has handled, by their ids, so that a repeated delivery changes nothing. No row names a person.
create table inbox (
  consumer text not null,
  message_id text not null,
  handled_at timestamptz not null default clock_timestamp(),
  primary key (consumer, message_id)
);
create index inbox_handled on inbox (handled_at);
`;

/** What consumers of topics have handled. */
export class Inbox1764223000000 implements MigrationInterface {
  readonly name = 'Inbox1764223000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table inbox');
  }
}
