import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Every claim counts the calendars that are being read, which are few of all. */
export class ClaimedRows1764200000000 implements MigrationInterface {
  readonly name = 'ClaimedRows1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index sync_state_claimed on sync_state (connection_id) where claimed_until is not null');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
