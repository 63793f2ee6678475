import { DAY } from '../../kernel/clock.js';
import { type Topic } from './topics-list.js';

/** A topic as the broker has it. `retention`: milliseconds, null without end; or that it is compacted. */
export type FoundTopic = Readonly<{ name: string; partitions: number; retention: number | 'compacted' | null }>;

/**
 * What is to be done about a topic. `create`, `keep`: to be created; to keep its messages as long as wanted. `refused`: only an operator can decide it, because
 * messages would move or go.
 */
export type Step = Readonly<{ topic: Topic; found: FoundTopic | null; action: 'create' | 'keep' | 'none' | 'refused'; why: string }>;

/** A retention in words. */
export const retentionText = (retention: FoundTopic['retention']): string => {
  if (retention === null) return 'without end';
  if (retention === 'compacted') return retention;
  const days = retention / DAY;
  return Number.isInteger(days) ? `${days} ${days === 1 ? 'day' : 'days'}` : `${retention} ms`;
};

/** Whether messages that are kept now would go. */
const losesMessages = (now: FoundTopic['retention'], wanted: Topic['retention']): boolean => {
  if (now === wanted) return false;
  if (now === 'compacted' || wanted === 'compacted') return true;
  return now === null || wanted < now;
};

const stepOf = (topic: Topic, found: FoundTopic | undefined, shrink: boolean): Step => {
  if (found === undefined) return { topic, found: null, action: 'create', why: 'it is missing' };
  if (found.partitions !== topic.partitions) {
    const why = `it has ${found.partitions} partitions, and with ${topic.partitions} messages of one key would lose their order`;
    return { topic, found, action: 'refused', why };
  }
  if (found.retention === topic.retention) return { topic, found, action: 'none', why: '' };
  const change = `retention ${retentionText(found.retention)} instead of ${retentionText(topic.retention)}`;
  if (losesMessages(found.retention, topic.retention) && !shrink)
    return { topic, found, action: 'refused', why: `${change}: messages would go; --shrink lets them` };
  return { topic, found, action: 'keep', why: change };
};

/** What makes the topics of a broker as they are wanted. `shrink`: an operator lets messages go that are kept now. */
export const planOf = (wanted: readonly Topic[], found: readonly FoundTopic[], shrink = false): readonly Step[] => {
  const byName = new Map(found.map((topic) => [topic.name, topic]));
  return wanted.map((topic) => stepOf(topic, byName.get(topic.name), shrink));
};
