import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Requests of an account that are under way, where its service answers few at a time: an id of each, and until when its place is kept, in seconds since
 * 1970 by the clock of the database.
 */
export class RequestPlaces1764221000000 implements MigrationInterface {
  readonly name = 'RequestPlaces1764221000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table request_budget add column places jsonb not null default '{}'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table request_budget drop column places');
  }
}
