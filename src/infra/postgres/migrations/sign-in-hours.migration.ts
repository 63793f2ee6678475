import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** After how many hours the organisation of an account's owner asks for a new sign-in, and when its owner was last to be told that something is wrong. */
export class SignInHours1764228000000 implements MigrationInterface {
  readonly name = 'SignInHours1764228000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connections add column sign_in_hours integer, add column notice_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connections drop column sign_in_hours, drop column notice_at');
  }
}
