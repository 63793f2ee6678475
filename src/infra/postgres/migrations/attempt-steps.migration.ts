import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Browsers of attempts are told apart by their codes, and no more by the network address that an attempt was begun at. Of one whose answer was taken it
 * is known since when, because the process that took it may die.
 */
export class AttemptSteps1764215000000 implements MigrationInterface {
  readonly name = 'AttemptSteps1764215000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connection_attempt drop column origin, add column taken_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connection_attempt drop column taken_at, add column origin text');
  }
}
