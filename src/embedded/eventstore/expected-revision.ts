import { TOMBSTONE } from './stored-event.js';

/** What a writer believes of a stream: a revision, or one of the protocol's words. */
export type Expected = bigint | 'any' | 'no-stream' | 'stream-exists';

/**
 * Where a stream stands; `revision` is -1n when nothing was ever written. `deleted`: softly, so that it can be written again. `described`: it
 * has settings, which alone make it exist.
 */
export type Standing = Readonly<{ revision: bigint; deleted: boolean; described: boolean }>;

/**
 * What to do with an append. `append`: it is new. `append-unless-known`: it is new unless its events are in the stream already.
 * `repeat-of`: refuse it, unless just these events follow revision `after`, which makes it the repetition of an append that succeeded.
 */
export type Verdict =
  | Readonly<{ kind: 'append' | 'append-unless-known' | 'wrong' | 'tombstoned' }>
  | Readonly<{ kind: 'repeat-of'; after: bigint }>;

/** The rules of EventStoreDB's `CheckCommit`. */
export const judge = (expected: Expected, { revision, deleted, described }: Standing): Verdict => {
  if (revision === TOMBSTONE) return { kind: 'tombstoned' };
  switch (expected) {
    case 'any':
      return { kind: 'append-unless-known' };
    case 'stream-exists':
      if (deleted) return { kind: 'tombstoned' };
      return { kind: revision >= 0n || described ? 'append-unless-known' : 'wrong' };
    case 'no-stream':
      return revision === -1n || deleted ? { kind: 'append' } : { kind: 'repeat-of', after: -1n };
    default:
      if (expected === revision) return { kind: 'append' };
      return expected > revision ? { kind: 'wrong' } : { kind: 'repeat-of', after: expected };
  }
};
