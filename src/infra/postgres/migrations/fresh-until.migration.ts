import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** How long a reading stays fresh follows the interval that was promised when it ended; until now it was a quarter of an hour. */
export class FreshUntil1764210000000 implements MigrationInterface {
  readonly name = 'FreshUntil1764210000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table sync_state add column fresh_until timestamptz');
    await runner.query(`update sync_state set fresh_until = last_success_at + interval '15 minutes' where last_success_at is not null`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
