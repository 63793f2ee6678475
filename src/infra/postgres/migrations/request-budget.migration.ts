import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- How many requests an account at a calendar service may still make: spent_until is when its budget is full again, in milliseconds, because it is
-- compared with what a process has read. account: a hash under a key of this service. Unlogged, because it is written with each request, and to lose
-- it in a crash only fills the budgets.
create unlogged table request_budget (
  account text primary key,
  spent_until timestamptz(3) not null
);
`;

/** Budgets of requests, one for each account. */
export class RequestBudget1764218000000 implements MigrationInterface {
  readonly name = 'RequestBudget1764218000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table request_budget');
  }
}
