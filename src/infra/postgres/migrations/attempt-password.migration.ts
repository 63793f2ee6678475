import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** An attempt may wait for the password of an account whose person has signed in; `answer` then holds who that is. */
export class AttemptPassword1764219000000 implements MigrationInterface {
  readonly name = 'AttemptPassword1764219000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table connection_attempt drop constraint connection_attempt_status_check,
      add constraint connection_attempt_status_check check (status in ('open', 'waiting', 'signed-in', 'used'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from connection_attempt where status = 'signed-in'`);
    await runner.query(`alter table connection_attempt drop constraint connection_attempt_status_check,
      add constraint connection_attempt_status_check check (status in ('open', 'waiting', 'used'))`);
  }
}
