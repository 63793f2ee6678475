import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Attempts are told apart by the codes of their browsers, and no more by the network address they were begun at. */
export class AttemptSteps1764215000000 implements MigrationInterface {
  readonly name = 'AttemptSteps1764215000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connection_attempt drop column origin');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connection_attempt add column origin text');
  }
}
