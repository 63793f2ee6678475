import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- Messages of the broker of this machine. "offset" counts up within a partition without gaps; who counts holds the row of broker_partition, so that
-- no reader finds a message before those ahead of it.
create table broker_message (
  topic text not null,
  partition smallint not null,
  "offset" bigint not null,
  key text,
  value bytea,
  headers jsonb not null,
  published_at timestamptz not null,
  primary key (topic, partition, "offset")
);
create index broker_message_age on broker_message (published_at);

create table broker_partition (
  topic text not null,
  partition smallint not null,
  next_offset bigint not null,
  primary key (topic, partition)
);

-- How far each group of consumers has come: "committed" is the offset it reads next.
create table broker_offset (
  consumer_group text not null,
  topic text not null,
  partition smallint not null,
  committed bigint not null default 0,
  primary key (consumer_group, topic, partition)
);
`;

/** Topics of the broker of this machine, for where no Kafka is. */
export class Broker1764224000000 implements MigrationInterface {
  readonly name = 'Broker1764224000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table broker_message, broker_partition, broker_offset');
  }
}
