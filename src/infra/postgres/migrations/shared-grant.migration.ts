import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The account that a connection's secret opens, as a hash under a key of this service: equal for connections of two people to one account, where its
 * service knows one grant for each account. On the row of the connection's key, and of its secret while that is set aside. Connections that are there
 * already are noted by their next look at the account, within a day.
 */
export class SharedGrant1764214000000 implements MigrationInterface {
  readonly name = 'SharedGrant1764214000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table vault add column grant_mark text');
    await runner.query('create index vault_grant on vault (grant_mark) where grant_mark is not null');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table vault drop column grant_mark');
  }
}
