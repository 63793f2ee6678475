import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
alter table preferences add column focus_time_is_busy boolean not null default true;
alter table event_people add column focus_time_is_busy boolean not null default true;
-- Which objects are focus time. Of those that are there it is not known: the projection builds its rows again, because they mean more than before.
alter table event_contents add column focus_time boolean not null default false;
create index event_contents_focus_time on event_contents (calendar_id, series) where focus_time;
`;

/** People choose whether focus time takes up their time; it did for everybody until now. */
export class FocusTime1764216000000 implements MigrationInterface {
  readonly name = 'FocusTime1764216000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table event_contents drop column focus_time');
    for (const table of ['event_people', 'preferences']) await runner.query(`alter table ${table} drop column focus_time_is_busy`);
  }
}
