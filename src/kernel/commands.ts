import { decideAll, type Decider, type Message } from './decider.js';
import { type Codec, Contended, type EventStore, type Metadata, WrongRevision } from './event-store.js';

/** What a command left behind: where its stream stands now, and the log position a query must have reached to show it. `null`: nothing was written. */
export type Handled<S> = Readonly<{ revision: bigint; position: bigint | null; state: S }>;

/** A command for one stream. `ifMatch`: the revision the caller saw; null when any will do. */
export type Order<C extends Message> = Readonly<{ id: string; command: C; metadata: Metadata; ifMatch: bigint | null }>;

/** Several commands for one stream that take effect together or not at all. */
export type Orders<C extends Message> = Omit<Order<C>, 'command'> & Readonly<{ commands: readonly C[] }>;

/** Races a command may lose in a row; each took a load and an append. */
const MOST_RACES = 12;

/**
 * Loads a stream, decides, appends. A command that comes twice is recognised by its id in the loaded stream and answers the first result:
 * the event store recognises repeated event ids only at the *old* expected revision. Without `ifMatch` a lost race is decided again on the
 * newer state, at most eleven times, and then throws `Contended`; with it the race is the caller's to see (`WrongRevision`).
 */
export const handle = <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { command, ...order }: Order<C>,
): Promise<Handled<S>> => {
  const handleOnce = () => attempt(store, decider, codec, { ...order, commands: [command] });
  return raced(store, `${decider.category}-${order.id}`, order.ifMatch, handleOnce, handleOnce);
};

/** The events of several commands are one append, so that no reader and no crash sees half of them. */
const attempt = async <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { id, commands, metadata, ifMatch }: Orders<C>,
): Promise<Handled<S>> => {
  const stream = `${decider.category}-${id}`;
  const { state, revision, handled } = await store.stateOf(decider, codec, id);
  const earlier = handled.get(metadata.commandId);
  if (earlier !== undefined) return { ...earlier, state };
  const decided = decideAll(decider, state, commands);
  // A refusal comes first (RFC 9110 section 13.2.1): a person learns nothing about the stream of another.
  if (ifMatch !== null && ifMatch !== revision) throw new WrongRevision(stream, ifMatch);
  if (decided.events.length === 0) return { revision, position: null, state };
  return { ...(await store.append(stream, revision, decided.events, codec, metadata)), state: decided.state };
};

/** The first try, and others as long as races are lost that are not the caller's to see. */
const raced = async <T>(
  store: EventStore,
  stream: string,
  ifMatch: bigint | null,
  first: () => Promise<T>,
  again: () => Promise<T>,
): Promise<T> => {
  for (let lost = 0; lost < MOST_RACES; lost += 1)
    try {
      return await (lost === 0 ? first() : store.afterRace(stream, lost, again));
    } catch (error) {
      if (!(error instanceof WrongRevision) || ifMatch !== null) throw error;
    }
  throw new Contended(stream);
};

/** What commands for one stream cause there as it was read, not written yet. */
export type Decision<S, C extends Message, E extends Message> = Readonly<{
  orders: Orders<C>;
  revision: bigint;
  before: S;
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
  const { state, revision } = await store.stateOf(decider, codec, orders.id);
  const decided = decideAll(decider, state, orders.commands);
  if (orders.ifMatch !== null && orders.ifMatch !== revision) throw new WrongRevision(stream, orders.ifMatch);
  return { orders, revision, before: state, after: decided.state, events: decided.events };
};

/** Writes a decision at the revision it was made on; a lost race is decided again, as by `handle`. */
export const settle = <S, C extends Message, E extends Message>(
  store: EventStore,
  decider: Decider<S, C, E>,
  codec: Codec<E>,
  { orders, revision, after, events }: Decision<S, C, E>,
): Promise<Handled<S>> => {
  const stream = `${decider.category}-${orders.id}`;
  const write = async (): Promise<Handled<S>> => {
    if (events.length === 0) return { revision, position: null, state: after };
    return { ...(await store.append(stream, revision, events, codec, orders.metadata)), state: after };
  };
  return raced(store, stream, orders.ifMatch, write, () => attempt(store, decider, codec, orders));
};
