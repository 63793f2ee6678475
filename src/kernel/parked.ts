import { type Delivered } from './broker.js';
import { MARKS, parkedTopic } from './delivery.js';

/** A message that no try handled, as operators see it: never its contents. `at`: when it was parked. */
export type ParkedMessage = Readonly<{ topic: string; key: string | null; id: string | null; code: string; at: string; tries: number }>;

/** Headers that are taken from a message, and put to it, when it is copied. */
export type Relabelled = Readonly<{ without: readonly string[]; with: Readonly<Record<string, string>> }>;

/** The parked topics of a broker. `R`: a message as the broker has it. */
export type Shelf<R extends Delivered = Delivered> = Readonly<{
  /** All messages that a topic holds now; those of a partition in their order. None where there is no such topic. */
  read: (topic: string) => Promise<readonly R[]>;
  /** Publishes a message again with its key, its bytes (`isEmpty`: none) and its headers, relabelled. */
  copy: (message: R, topic: string, labels: Relabelled & Readonly<{ isEmpty?: boolean }>) => Promise<void>;
}>;

/** Lists what is parked, and replays it. */
export type Parked = Readonly<{
  /** Of a topic, what was parked and not replayed yet. */
  list: (topic: string) => Promise<readonly ParkedMessage[]>;
  /** Publishes parked messages to the topic again, as they came: the one of that id, or all where it is null. Answers how many. */
  replay: (topic: string, id: string | null) => Promise<number>;
}>;

/** A message of a parked topic with this header says that another, at partition/offset, was replayed. */
const REPLAYED = 'delivery-replayed';

const OURS: readonly string[] = [...Object.values(MARKS), REPLAYED];

const placeOf = ({ partition, offset }: Delivered): string => `${partition}/${offset}`;

const shown = ({ headers, key, at }: Delivered, topic: string): ParkedMessage => ({
  topic,
  key,
  id: headers['id'] ?? null,
  code: headers[MARKS.code] ?? 'unknown',
  at,
  tries: Number(headers[MARKS.attempt] ?? 0),
});

/**
 * What is parked stays in its topic for as long as the topic keeps messages; a note beside it says that it was replayed. A death between the replay and
 * the note leaves it listed: replayed twice, it takes effect once, because consumers know its id.
 */
export const parkedOn = <R extends Delivered>({ read, copy }: Shelf<R>): Parked => {
  const waiting = async (topic: string): Promise<readonly R[]> => {
    const all = await read(parkedTopic(topic));
    const replayed = new Set(all.flatMap(({ headers }) => headers[REPLAYED] ?? []));
    return all.filter((message) => message.headers[REPLAYED] === undefined && !replayed.has(placeOf(message)));
  };
  return {
    list: async (topic) => (await waiting(topic)).map((message) => shown(message, topic)),
    replay: async (topic, id) => {
      const chosen = (await waiting(topic)).filter(({ headers }) => id === null || headers['id'] === id);
      for (const message of chosen) {
        await copy(message, topic, { without: OURS, with: {} });
        await copy(message, parkedTopic(topic), { without: OURS, with: { [REPLAYED]: placeOf(message) }, isEmpty: true });
      }
      return chosen.length;
    },
  };
};
