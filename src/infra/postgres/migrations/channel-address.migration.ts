import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Where the notifications of a channel go. Of those that are there it is not known (null), so that each is replaced by one of which it is. */
export class ChannelAddress1764217000000 implements MigrationInterface {
  readonly name = 'ChannelAddress1764217000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table watch_channel add column address text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table watch_channel drop column address');
  }
}
