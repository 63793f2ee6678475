import { type Delivered } from './broker.js';
import { EngineAway } from './engine-away.js';
import { Poison } from './poison.js';

/** `pauses`: milliseconds before each further try. `next`: the topic of what no try handled; `parked`: of what no try can handle. */
export type Policy = Readonly<{ pauses: readonly number[]; next: string; parked: string }>;

/** Five tries within eight seconds: a partition waits no longer for one message whose fault does not pass. */
const PAUSES = [250, 750, 2_000, 5_000] as const;

const RETRY = '.retry';
const PARKED = '.parked';

/** The topic that messages of a retry topic come from; any other is its own. */
export const originOf = (topic: string): string => (topic.endsWith(RETRY) ? topic.slice(0, -RETRY.length) : topic);

/** Where failed messages of a topic, and of the retry topic beside it, are parked. */
export const parkedTopic = (topic: string): string => `${originOf(topic)}${PARKED}`;

/** A topic with the retry topic beside it, where it declares one. */
export const withRetry = (topic: string, declaresRetry: (topic: string) => boolean): readonly string[] =>
  declaresRetry(topic) ? [topic, `${topic}${RETRY}`] : [topic];

/** A topic that declares a retry topic hands failed messages to it; that one, and every other, parks them. */
export const policyFor = (topic: string, { retry }: Readonly<{ retry: boolean }>): Policy => ({
  pauses: PAUSES,
  next: retry ? `${topic}${RETRY}` : parkedTopic(topic),
  parked: parkedTopic(topic),
});

/**
 * What is done with a message whose handler failed. `again`: it is tried in place after so many milliseconds. `wait`: the same, and it does not count as a
 * try, because an engine is away and no message can be handled. `move`: it goes to the topic `to`.
 */
export type Fate = Readonly<{ then: 'again' | 'wait'; after: number; code: string }> | Readonly<{ then: 'move'; to: string; code: string }>;

const LONGEST_WAIT = 5_000;

/** `tries` counts the failed tries with this one, `waits` how often in a row an engine was away before. */
export const fateOf = (policy: Policy, error: unknown, tries: number, waits: number): Fate => {
  const code = codeOf(error);
  if (error instanceof EngineAway) return { then: 'wait', after: Math.min(250 * 2 ** Math.min(waits, 10), LONGEST_WAIT), code };
  if (error instanceof Poison) return { then: 'move', to: policy.parked, code };
  const after = policy.pauses[tries - 1];
  return after === undefined ? { then: 'move', to: policy.next, code } : { then: 'again', after, code };
};

/** A code or a name that tells the kind of a fault; messages stay in the process, because they may quote contents. */
export const codeOf = (error: unknown): string => {
  const { code, name } = typeof error === 'object' && error !== null ? (error as { code?: unknown; name?: unknown }) : {};
  const plain = [code, name].find((text) => typeof text === 'string' && /^[\w.-]{1,64}$/.test(text));
  return typeof plain === 'string' ? plain : 'unknown';
};

/** Headers that a failed message carries beside its own: where it comes from (`origin`: partition/offset), how often it was tried, and why it failed. */
export const MARKS = { topic: 'delivery-topic', origin: 'delivery-origin', attempt: 'delivery-attempt', code: 'delivery-code' } as const;

/** The marks of a message that is moved; one of a retry topic keeps its first origin, and its tries add up. */
export const marksOf = (
  { topic, partition, offset, headers }: Delivered,
  tries: number,
  code: string,
): Readonly<Record<string, string>> => {
  const before = topic.endsWith(RETRY) ? headers : {};
  return {
    [MARKS.topic]: before[MARKS.topic] ?? topic,
    [MARKS.origin]: before[MARKS.origin] ?? `${partition}/${offset}`,
    [MARKS.attempt]: String((Number(before[MARKS.attempt]) || 0) + tries),
    [MARKS.code]: code,
  };
};
