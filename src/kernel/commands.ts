import { decideAll, type Decider, fold, type Message } from './decider.js';
import { type Appended, type Codec, type EventStore, type Metadata, WrongRevision } from './event-store.js';

/** What a command left behind: where its stream stands now, and the log position a query must have reached to show it. `null`: nothing was written. */
export type Handled<S> = Readonly<{ revision: bigint; position: bigint | null; state: S }>;

/** A command for one stream. `ifMatch`: the revision the caller saw; null when any will do. */
export type Order<C extends Message> = Readonly<{ id: string; command: C; metadata: Metadata; ifMatch: bigint | null }>;

/** Several commands for one stream that take effect together or not at all. */
export type Orders<C extends Message> = Omit<Order<C>, 'command'> & Readonly<{ commands: readonly C[] }>;

const ATTEMPTS = 4;

/**
 * Loads a stream, decides, appends. A command that comes twice is recognised by its id in the loaded stream and answers the first result:
 * the event store recognises repeated event ids only at the *old* expected revision. Without `ifMatch` a lost race is decided again on the
 * newer state, at most three times; with it the race is the caller's to see (`WrongRevision`).
 */
export const handle = <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { command, ...order }: Order<C>,
): Promise<Handled<S>> => handleAll(store, decider, codec, { ...order, commands: [command] });

/** `handle` for several commands: their events are one append, so that no reader and no crash sees half of them. */
export const handleAll = async <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { id, commands, metadata, ifMatch }: Orders<C>,
): Promise<Handled<S>> => {
  const stream = `${decider.category}-${id}`;
  for (let attempt = 1; ; attempt += 1) {
    const { events, revision, handled } = await store.load(stream, codec);
    const state = fold(decider, events);
    const earlier = handled.get(metadata.commandId);
    if (earlier !== undefined) return { ...earlier, state };
    if (ifMatch !== null && ifMatch !== revision) throw new WrongRevision(stream, ifMatch);
    const decided = decideAll(decider, state, commands);
    if (decided.events.length === 0) return { revision, position: null, state };
    try {
      const appended: Appended = await store.append(stream, revision, decided.events, codec, metadata);
      return { ...appended, state: decided.state };
    } catch (error) {
      if (!(error instanceof WrongRevision) || ifMatch !== null || attempt === ATTEMPTS) throw error;
    }
  }
};

/** What commands for one stream cause there as it was read, not written yet. */
export type Decision<S, C extends Message, E extends Message> = Readonly<{
  orders: Orders<C>;
  revision: bigint;
  after: S;
  events: readonly E[];
}>;

/** Loads a stream and decides, without writing: where several streams change together, all is decided before any is written. */
export const decideOn = async <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  orders: Orders<C>,
): Promise<Decision<S, C, E>> => {
  const stream = `${decider.category}-${orders.id}`;
  const { events, revision } = await store.load(stream, codec);
  if (orders.ifMatch !== null && orders.ifMatch !== revision) throw new WrongRevision(stream, orders.ifMatch);
  const decided = decideAll(decider, fold(decider, events), orders.commands);
  return { orders, revision, after: decided.state, events: decided.events };
};

/** Writes a decision at the revision it was made on; a lost race is decided again, as by `handleAll`. */
export const settle = async <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { orders, revision, after, events }: Decision<S, C, E>,
): Promise<Handled<S>> => {
  if (events.length === 0) return { revision, position: null, state: after };
  try {
    const appended = await store.append(`${decider.category}-${orders.id}`, revision, events, codec, orders.metadata);
    return { ...appended, state: after };
  } catch (error) {
    if (!(error instanceof WrongRevision) || orders.ifMatch !== null) throw error;
    return handleAll(store, decider, codec, orders);
  }
};
