import { type Hint } from '../provider/push.js';

/** What is stored of a channel that decides what a proved hint of it is worth. `isConnected`: its calendar is still read from its service. */
export type Standing = Readonly<{
  state: 'opening' | 'live' | 'old' | 'closing';
  remote: string | null;
  seen: bigint;
  isConnected: boolean;
}>;

/**
 * What becomes of a proved hint. `taken`: the calendar is to be read; `opened`: the channel is there, and nothing has changed; `ended`: the channel is
 * over, so that another is opened and the calendar is read; `ending`: the channel is to be renewed now; `early`: it comes before the channel is known
 * to be open, after which the calendar is read anyway; `repeated`: it, or a later one, has come before; `closed`: the channel is not to be there any
 * more.
 */
export type Outcome = 'taken' | 'opened' | 'ended' | 'ending' | 'early' | 'repeated' | 'closed';

/** A service that does not count its hints repeats none that can be told from a new one. */
export const outcomeOf = ({ says, number }: Pick<Hint, 'says' | 'number'>, { state, seen, isConnected }: Standing): Outcome => {
  if (state === 'closing' || !isConnected) return 'closed';
  if (number !== null && number <= seen) return 'repeated';
  if (says === 'opened') return 'opened';
  if (state === 'opening') return 'early';
  return says === 'ended' || says === 'ending' ? says : 'taken';
};

/** What is written down of a hint. `isChange`: its calendar is to be read; `isEnded`, `isEnding`: its channel is over, or is to be renewed now. */
export type Heard = Readonly<{
  channel: string;
  number: bigint;
  remote: string | null;
  isChange: boolean;
  isEnded: boolean;
  isEnding: boolean;
}>;

/**
 * Null where nothing is worth writing. A channel that is to be closed is written to once, when the hint tells what the service calls it: without
 * that it cannot be stopped.
 */
export const heardOf = ({ channel, number, remote }: Hint, outcome: Outcome, standing: Standing): Heard | null => {
  if (outcome === 'repeated' || (outcome === 'closed' && (standing.remote !== null || remote === null))) return null;
  const isEnded = outcome === 'ended';
  return { channel, number: number ?? 0n, remote, isChange: outcome === 'taken' || isEnded, isEnded, isEnding: outcome === 'ending' };
};

/** All that was heard of each channel as one. */
export const merged = (all: readonly Heard[]): readonly Heard[] => {
  const byChannel = new Map<string, Heard>();
  for (const heard of all) {
    const before = byChannel.get(heard.channel);
    byChannel.set(heard.channel, before === undefined ? heard : both(before, heard));
  }
  return [...byChannel.values()];
};

const both = (one: Heard, other: Heard): Heard => ({
  channel: one.channel,
  number: one.number > other.number ? one.number : other.number,
  remote: one.remote ?? other.remote,
  isChange: one.isChange || other.isChange,
  isEnded: one.isEnded || other.isEnded,
  isEnding: one.isEnding || other.isEnding,
});
