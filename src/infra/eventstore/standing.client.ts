import { type Decider, type Message } from '../../kernel/decider.js';
import { type Appended, type Codec, type EventStore, type Recorded } from '../../kernel/event-store.js';

/** A stream of fewer events is read whole each time; most have a handful. */
const LONG = 100n;

/** Streams remembered; beyond them the one that was asked for longest ago is forgotten. */
const MOST_STREAMS = 500;

/** Commands remembered of one stream. A repeat comes within minutes, and so not many commands later. */
const MOST_COMMANDS = 1_000;

type Read = <E extends Message>(stream: string, codec: Codec<E>, from: bigint) => AsyncIterable<Recorded<E>>;

/** How a stream stood after the event `lastId`, by the rules of one decider. */
type Remembered<S = unknown> = { decider: unknown; state: S; revision: bigint; lastId: string | null; handled: Map<string, Appended> };

const absorb = <S, E extends Message>(at: Remembered<S>, { evolve }: Pick<Decider<S, never, E>, 'evolve'>, recorded: Recorded<E>): void => {
  const { id, revision, position, event, metadata } = recorded;
  at.state = evolve(at.state, event);
  at.revision = revision;
  at.lastId = id;
  at.handled.set(metadata.commandId, { revision, position });
  for (const oldest of at.handled.keys()) {
    if (at.handled.size <= MOST_COMMANDS) return;
    at.handled.delete(oldest);
  }
};

const memoryOf = () => {
  const known = new Map<string, Remembered>();
  return {
    of: (stream: string, decider: unknown): Remembered | null => {
      const found = known.get(stream);
      return found?.decider === decider ? (found ?? null) : null;
    },
    forget: (stream: string): void => {
      known.delete(stream);
    },
    keep: (stream: string, at: Remembered): void => {
      if (at.revision < LONG || at.revision < (known.get(stream)?.revision ?? -1n)) return;
      // Deleted first, so that the order of the map is that of the last question.
      known.delete(stream);
      known.set(stream, at);
      for (const oldest of known.keys()) {
        if (known.size <= MOST_STREAMS) return;
        known.delete(oldest);
      }
    },
  };
};

/** Reads a stream on from where it was remembered. False: the stream no longer holds that event. Read to its end in any case, as the client wants it. */
const readOn = async <S, E extends Message>(
  events: AsyncIterable<Recorded<E>>,
  at: Remembered<S>,
  decider: Pick<Decider<S, never, E>, 'evolve'>,
  keep: () => void,
): Promise<boolean> => {
  const from = at.lastId;
  let first: string | null = null;
  const goesOn = (): boolean => from === null || first === from;
  try {
    for await (const recorded of events) {
      const isFirst = first === null;
      first ??= recorded.id;
      if (goesOn() && !(isFirst && from !== null)) absorb(at, decider, recorded);
    }
    return goesOn();
  } finally {
    // Also what a reading brought that broke off: the next one goes on from there.
    if (goesOn()) keep();
  }
};

/**
 * Folds streams, and remembers how a long one stood: the next question reads on from its last event, so that a person's change costs as much after
 * a million of them as after a hundred. That last event is read again, because a stream may have been cleared and written again.
 */
export const standings = (read: Read): EventStore['stateOf'] => {
  const memory = memoryOf();
  return async <S, C extends Message, E extends Message>(decider: Decider<S, C, E>, codec: Codec<E>, id: string) => {
    const stream = `${decider.category}-${id}`;
    const from = async (at: Remembered<S>): Promise<boolean> =>
      readOn(read(stream, codec, at.lastId === null ? 0n : at.revision), at, decider, () => {
        memory.keep(stream, at);
      });
    const known = memory.of(stream, decider) as Remembered<S> | null;
    if (known !== null) {
      const at = { ...known };
      if (await from(at)) return at;
      memory.forget(stream);
    }
    const whole: Remembered<S> = { decider, state: decider.initial, revision: -1n, lastId: null, handled: new Map() };
    await from(whole);
    return whole;
  };
};
