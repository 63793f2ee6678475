import { type Delivered } from './broker.js';
import { type Fate, fateOf, marksOf, type Policy } from './delivery.js';

/** What a broker's consumer lends to the delivery of one message. */
export type DeliveryMeans = Readonly<{
  /** Tells the broker that this member is alive. It throws only when the member must give the partition up now: it stops, or its group is divided again. */
  beat: () => Promise<void>;
  /** Resolves after so many milliseconds. */
  pause: (milliseconds: number) => Promise<void>;
  /** Calls `act` each time so many milliseconds have passed, until what it answers is called. */
  every: (milliseconds: number, act: () => void) => () => void;
  /** Publishes the message to another topic with the same key, bytes and headers and these headers more; resolves when the broker has it. */
  move: (topic: string, marks: Readonly<Record<string, string>>) => Promise<void>;
  /** Is told of each failure, for logs and metrics. */
  failed: (fate: Fate) => void;
}>;

/** A member that is silent for longer counts as dead to its group after a few more seconds. */
const BEAT = 1_000;

/**
 * Handles one message and resolves when its offset may be committed: it was handled, or the next topic has it. What it throws is that `beat` said to give the
 * partition up while the message was not handled yet, or that it could not be moved; the message is then delivered again.
 */
export const deliver = async (
  policy: Policy,
  message: Delivered,
  run: () => Promise<void>,
  means: DeliveryMeans,
): Promise<'handled' | 'moved'> => {
  let tries = 0;
  let waits = 0;
  for (;;) {
    const failure = await attempt(run, means);
    if (failure === null) return 'handled';
    const fate = fateOf(policy, failure.error, tries + 1, waits);
    if (fate.then !== 'wait') tries += 1;
    waits = fate.then === 'wait' ? waits + 1 : 0;
    means.failed(fate);
    if (fate.then === 'move') {
      const { to, code } = fate;
      const stuck = await attempt(() => means.move(to, marksOf(message, tries, code)), means);
      if (stuck !== null) throw stuck.error;
      return 'moved';
    }
    await rest(fate.after, means);
  }
};

/**
 * Works while the broker is told each second that the member lives. A rebalance that begins meanwhile waits for the work, which is then committed; where the
 * work failed, the message is given up with the partition.
 */
const attempt = async (work: () => Promise<void>, { beat, every }: DeliveryMeans): Promise<Readonly<{ error: unknown }> | null> => {
  const member: { called: Readonly<{ error: unknown }> | null; beating: Promise<void> | null } = { called: null, beating: null };
  const stop = every(BEAT, () => {
    if (member.called !== null || member.beating !== null) return;
    member.beating = beat()
      .catch((error: unknown) => {
        member.called = { error };
      })
      .finally(() => {
        member.beating = null;
      });
  });
  const failure = await Promise.resolve()
    .then(work)
    .then(
      () => null,
      (error: unknown) => ({ error }),
    );
  stop();
  // A beat that is under way is the broker client's own: two at once would cross.
  await member.beating;
  if (failure !== null && member.called !== null) throw member.called.error;
  return failure;
};

/** Waits in steps of a second, with a beat after each. */
const rest = async (milliseconds: number, { beat, pause }: DeliveryMeans): Promise<void> => {
  for (let left = milliseconds; left > 0; left -= BEAT) {
    await pause(Math.min(left, BEAT));
    await beat();
  }
};

/** Resolves when what a handler of Nest's answered has come to its end: a promise, a stream of RxJS, or a plain value. Rejects with its error. */
export const ended = async (answer: unknown): Promise<void> => {
  const settled: unknown = await answer;
  if (typeof settled !== 'object' || settled === null || !('subscribe' in settled) || typeof settled.subscribe !== 'function') return;
  const stream = settled as { subscribe: (observer: Readonly<{ error: (error: unknown) => void; complete: () => void }>) => unknown };
  await new Promise<void>((resolve, reject) => {
    stream.subscribe({ error: reject, complete: resolve });
  });
};
