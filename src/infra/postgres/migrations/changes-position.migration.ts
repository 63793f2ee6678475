import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Followers of the change feed read everybody's changes in the order of the log. */
export class ChangesPosition1764160000000 implements MigrationInterface {
  readonly name = 'ChangesPosition1764160000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index changes_position on changes (position)');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
