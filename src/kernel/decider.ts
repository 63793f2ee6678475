/** Anything told apart by its name: a command (imperative) or a domain event (past tense). */
export type Message = Readonly<{ type: string }>;

/**
 * The rules of one kind of stream, as pure functions. `decide` answers the events a command causes (`[]` when nothing changes) or throws
 * `Refused`; `evolve` folds one event into the state. Time and identity enter by the command, never from inside.
 */
export type Decider<S, C extends Message, E extends Message> = Readonly<{
  /** First part of the stream name `<category>-<id>`; permanent. */
  category: string;
  initial: S;
  decide: (state: S, command: C) => readonly E[];
  evolve: (state: S, event: E) => S;
}>;

export const fold = <S, C extends Message, E extends Message>(decider: Decider<S, C, E>, events: readonly E[]): S =>
  events.reduce((state, event) => decider.evolve(state, event), decider.initial);

/** What several commands for one stream cause, each decided on what the one before left; throws as soon as one is refused. */
export const decideAll = <S, C extends Message, E extends Message>(
  decider: Decider<S, C, E>,
  initial: S,
  commands: readonly C[],
): Readonly<{ events: readonly E[]; state: S }> => {
  const events: E[] = [];
  let state = initial;
  for (const command of commands) {
    const decided = decider.decide(state, command);
    events.push(...decided);
    state = decided.reduce((now, event) => decider.evolve(now, event), state);
  }
  return { events, state };
};
