import { type Publisher } from '../kernel/broker.js';
import { messageOf, type Told } from './told.js';

/** Messages, and characters of their values, that are sent to a broker at once: what it takes in one request, with room to spare. */
export const MOST = 2_000;
const LONGEST = 700_000;

/** What is told of a topic, on its way: in order, many at once, each published before those after it are. */
export type Outbox = Readonly<{
  add: (told: Told) => Promise<void>;
  /** Resolves when the broker has all that was added. */
  flush: () => Promise<void>;
}>;

/** `onPublished`: told how many messages the broker has acknowledged. */
export const outbox = (publisher: Pick<Publisher, 'publish'>, topic: string, onPublished: (count: number) => void): Outbox => {
  let [waiting, length]: [ReturnType<typeof messageOf>[], number] = [[], 0];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const messages = waiting;
    [waiting, length] = [[], 0];
    await publisher.publish(topic, messages);
    onPublished(messages.length);
  };
  return {
    add: async (told) => {
      const message = messageOf(told);
      waiting.push(message);
      length += message.value?.length ?? 0;
      if (waiting.length >= MOST || length >= LONGEST) await flush();
    },
    flush,
  };
};
