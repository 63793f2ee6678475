import { describe, expect, it } from '@jest/globals';
import { readTopics } from '../../src/infra/kafka/topics.file.js';
import { topicsOf } from '../../src/infra/kafka/topics-list.js';
import { type FoundTopic, planOf } from '../../src/infra/kafka/topics-plan.js';
import { DAY } from '../../src/kernel/clock.js';
import { RELAY_TOPICS } from '../../src/relay/topics.contract.js';

const work = { kind: 'work', key: 'meeting id', partitions: 3, retention: '7 days' };
const listing = (topic: object, name = 'juy.calendar.met.v1') => ({ topics: { [name]: topic } });

describe('kafka/topics.yaml', () => {
  it('lists as public exactly the topics that the relay publishes to', () => {
    const listed = readTopics().filter(({ kind }) => kind === 'public');
    expect(listed.map(({ name }) => name).sort()).toEqual(RELAY_TOPICS.map(({ topic }) => topic).sort());
  });

  it('keeps public messages for 31 days', () => {
    expect(new Set(readTopics().flatMap(({ kind, retention }) => (kind === 'public' ? [retention] : [])))).toEqual(new Set([31 * DAY]));
  });
});

describe('A list of topics', () => {
  it('names beside a topic those for what failed', () => {
    const { key, partitions } = work;
    expect(topicsOf(listing({ ...work, retry: '1 day', parked: '31 days' }))).toEqual([
      { name: 'juy.calendar.met.v1', kind: 'work', key, partitions, retention: 7 * DAY },
      { name: 'juy.calendar.met.v1.retry', kind: 'retry', key, partitions, retention: DAY },
      { name: 'juy.calendar.met.v1.parked', kind: 'parked', key, partitions, retention: 31 * DAY },
    ]);
    expect(topicsOf(listing({ ...work, retention: 'compacted' }))).toMatchObject([{ retention: 'compacted' }]);
  });

  it.each([
    ['must have a name like juy.calendar.events.v1', listing(work, 'Met')],
    ['must be of a kind: public, incoming, work', listing({ ...work, kind: 'private' })],
    ['must say in words what its key is', listing({ ...work, key: '' })],
    ['must have from 1 to 1000 partitions', listing({ ...work, partitions: 0 })],
    ['must have a retention: "31 days" or "compacted"', listing({ ...work, retention: '31' })],
    ['must say of retry and parked how many days they keep messages', listing({ ...work, parked: 'compacted' })],
    ['is public, so that the service consumes nothing of it that could be parked', listing({ ...work, kind: 'public', parked: '1 day' })],
    ['has a member that means nothing: retain', listing({ ...work, retain: '1 day' })],
    ['must list topics', { topic: {} }],
    ['must list topics', null],
  ])('is refused when a topic %s', (rule, parsed) => {
    expect(() => topicsOf(parsed)).toThrow(rule);
  });

  it('is refused with every mistake named at once', () => {
    expect(() => topicsOf(listing({ kind: 'work', key: 'id' }))).toThrow(/partitions; .*retention/);
  });
});

describe('The plan for the topics of a broker', () => {
  const [topic] = topicsOf(listing(work));
  if (topic === undefined) throw new Error('no topic');
  const has = (found: Partial<FoundTopic>) => [{ name: topic.name, partitions: 3, retention: 7 * DAY, ...found }];

  it.each([
    ['create', [], 'it is missing'],
    ['none', has({}), ''],
    ['keep', has({ retention: DAY }), 'retention 1 day instead of 7 days'],
    ['refused', has({ retention: 9 * DAY }), 'messages would go'],
    ['refused', has({ retention: null }), 'messages would go'],
    ['refused', has({ retention: 'compacted' }), 'messages would go'],
    ['refused', has({ partitions: 2 }), 'it has 2 partitions, and with 3 messages of one key would lose their order'],
    ['refused', has({ partitions: 6 }), 'would lose their order'],
  ] as const)('is %s', (action, found, why) => {
    expect(planOf([topic], found)).toMatchObject([{ action, why: expect.stringContaining(why) }]);
  });

  it('lets messages go when an operator says so, and never moves keys', () => {
    expect(planOf([topic], has({ retention: null }), true)).toMatchObject([{ action: 'keep' }]);
    expect(planOf([topic], has({ partitions: 2 }), true)).toMatchObject([{ action: 'refused' }]);
  });
});
