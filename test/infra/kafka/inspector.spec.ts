import { describe, expect, it } from '@jest/globals';
import type kafkajs from 'kafkajs';
import { inspector } from '../../../src/infra/kafka/inspector.kafka.js';
import { type Positions } from '../../../src/infra/kafka/positions.sql.js';

/** A broker with one partition. `asked`: is called when it is asked what the partition has. */
const brokerWith = ({ committed, high, asked = () => undefined }: Readonly<{ committed: string; high: string; asked?: () => void }>) => {
  const admin = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    listTopics: () => Promise.resolve(['t', 't.parked']),
    fetchOffsets: () => Promise.resolve([{ topic: 't', partitions: [{ partition: 0, offset: committed }] }]),
    fetchTopicOffsets: () => {
      asked();
      return Promise.resolve([{ partition: 0, low: '0', high, offset: high }]);
    },
  };
  return { admin: () => admin as unknown as kafkajs.Admin };
};

const positionsWith = (next: bigint): Positions => ({
  of: () => Promise.resolve(new Map([['t/0', next]])),
  remember: () => Promise.resolve(),
  accept: () => Promise.resolve(),
});

const commitOf = (offset: string) => ({ topics: [{ topic: 't', partitions: [{ partition: 0, offset }] }] }) as never;

describe('sync-rule 35: a look at the group', () => {
  it('takes nothing amiss that is published and read while the broker is asked', async () => {
    let goOn = (): void => undefined;
    const broker = brokerWith({
      committed: '5',
      high: '9',
      asked: () => {
        goOn();
      },
    });
    const { inspect, onCommit } = inspector(positionsWith(5n), broker, { group: 'g', topics: ['t'] });
    goOn = () => {
      onCommit(commitOf('12'));
    };
    await inspect();
  });

  it('finds a topic that was made again and filled to where this member once was, when another has read on since', async () => {
    const { inspect, onCommit } = inspector(positionsWith(500n), brokerWith({ committed: '-1', high: '200' }), {
      group: 'g',
      topics: ['t'],
    });
    onCommit(commitOf('100'));
    await expect(inspect()).rejects.toMatchObject({ name: 'OffsetsOutside', outside: [{ topic: 't', partition: 0, why: 'beyond' }] });
  });
});
