import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The view `free_busy`: every interval that takes up somebody's time, not merged, in clear. It holds no rows of its own. `busy` is `busy`,
 * `tentative` or `needs-action`; what of these counts, and which calendars are hidden, is decided by who reads.
 */
export class FreeBusy1764194000000 implements MigrationInterface {
  readonly name = 'FreeBusy1764194000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create view free_busy as select user_id, calendar_id, start_at, end_at, busy from user_calendar_events where busy <> 'free'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view free_busy');
  }
}
