import { DAY } from '../../kernel/clock.js';

/**
 * A topic as kafka/topics.yaml wants it. `retention`: milliseconds, or that the newest message of each key is kept. The kinds `retry` and `parked` are beside a
 * topic from which the service consumes, for what failed.
 */
export type Topic = Readonly<{
  name: string;
  kind: 'public' | 'incoming' | 'work' | 'retry' | 'parked';
  /** What its messages are keyed by, in words. */
  key: string;
  partitions: number;
  retention: number | 'compacted';
}>;

type Members = Readonly<Record<string, unknown>>;

const KINDS = ['public', 'incoming', 'work'] as const;
const MEMBERS = new Set(['kind', 'key', 'partitions', 'retention', 'retry', 'parked']);
const BESIDE = ['retry', 'parked'] as const;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

const retentionOf = (text: unknown): Topic['retention'] | null => {
  if (text === 'compacted') return text;
  const [, days] = (typeof text === 'string' ? /^([1-9]\d{0,3}) days?$/.exec(text) : null) ?? [];
  return days === undefined ? null : Number(days) * DAY;
};

const mistakesIn = (name: string, topic: Members): readonly string[] => {
  const { kind, key, partitions, retention } = topic;
  const beside = BESIDE.filter((each) => each in topic);
  const rules: readonly (readonly [broken: boolean, rule: string])[] = [
    [!/^[a-z0-9-]+(\.[a-z0-9-]+)*\.v[1-9]\d*$/.test(name), 'must have a name like juy.calendar.events.v1'],
    [!KINDS.some((each) => each === kind), `must be of a kind: ${KINDS.join(', ')}`],
    [typeof key !== 'string' || key === '', 'must say in words what its key is'],
    [!Number.isInteger(partitions) || Number(partitions) < 1 || Number(partitions) > 1_000, 'must have from 1 to 1000 partitions'],
    [retentionOf(retention) === null, 'must have a retention: "31 days" or "compacted"'],
    [beside.some((each) => typeof retentionOf(topic[each]) !== 'number'), 'must say of retry and parked how many days they keep messages'],
    [beside.length > 0 && kind === 'public', 'is public, so that the service consumes nothing of it that could be parked'],
    ...Object.keys(topic)
      .filter((member) => !MEMBERS.has(member))
      .map((member) => [true, `has a member that means nothing: ${member}`] as const),
  ];
  return rules.filter(([broken]) => broken).map(([, rule]) => `${name} ${rule}`);
};

/** A topic and those beside it, once it has no mistakes. */
const withBeside = (name: string, topic: Members): readonly Topic[] => {
  const wanted = { key: String(topic['key']), partitions: Number(topic['partitions']) };
  const kind = KINDS.find((each) => each === topic['kind']) ?? 'public';
  const beside = BESIDE.filter((each) => each in topic);
  return [
    { name, kind, ...wanted, retention: retentionOf(topic['retention']) ?? 'compacted' },
    ...beside.map((each) => ({ name: `${name}.${each}`, kind: each, ...wanted, retention: retentionOf(topic[each]) ?? 'compacted' })),
  ];
};

/** All topics that a parsed kafka/topics.yaml lists, those beside others included. Throws an error that names every mistake in it. */
export const topicsOf = (parsed: unknown): readonly Topic[] => {
  const listed = isObject(parsed) && isObject(parsed['topics']) ? parsed['topics'] : null;
  if (listed === null) throw new Error('kafka/topics.yaml must list topics');
  const topics = Object.entries(listed).map(([name, topic]) => [name, isObject(topic) ? topic : {}] as const);
  const mistakes = topics.flatMap(([name, topic]) => mistakesIn(name, topic));
  if (mistakes.length > 0) throw new Error(`kafka/topics.yaml: ${mistakes.join('; ')}`);
  return topics.flatMap(([name, topic]) => withBeside(name, topic));
};
