import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- How far groups of consumers have read topics of Apache Kafka. next: the offset that is read next.
create table topic_position (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  next bigint not null,
  primary key (consumer_group, topic, partition)
);
`;

/** How far topics were read, noted beside the broker. */
export class TopicPosition1764226000000 implements MigrationInterface {
  readonly name = 'TopicPosition1764226000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table topic_position');
  }
}
