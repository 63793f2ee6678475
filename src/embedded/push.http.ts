import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../kernel/clock.js';

/** A message to whom is told of changes. */
export type PushMessage = Readonly<{ address: string; headers: Readonly<Record<string, string>>; body?: string }>;

/** Delivers messages one after the other until it is stopped. */
export type Postman = Readonly<{
  /** Messages of one queue go out in order. `isPassing`: whether an answer (null: there was none) is worth another attempt. */
  post: (queue: string, message: () => PushMessage | null, isPassing: (status: number | null) => boolean) => void;
  stop: () => Promise<void>;
}>;

const TIMEOUT = 10 * SECOND;
const ATTEMPTS = 4;
const FIRST_PAUSE = 200;

/** Null when there is no answer. */
const statusOf = async ({ address, headers, body }: PushMessage, stopping: AbortSignal): Promise<number | null> => {
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT)]);
    const answer = await fetch(address, { method: 'POST', headers, redirect: 'manual', signal, ...(body === undefined ? {} : { body }) });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return null;
  }
};

export const postman = (): Postman => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const queues = new Map<string, Promise<void>>();
  const deliver: (...of: Parameters<Postman['post']>) => Promise<void> = async (_, make, isPassing) => {
    const message = make();
    for (let attempt = 0; message !== null && attempt < ATTEMPTS && !signal.aborted; attempt += 1) {
      if (attempt > 0) await sleep(FIRST_PAUSE * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
      if (!isPassing(await statusOf(message, signal))) return;
    }
  };
  return {
    post: (queue, message, isPassing) => {
      queues.set(
        queue,
        (queues.get(queue) ?? Promise.resolve()).then(() => deliver(queue, message, isPassing)),
      );
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(queues.values());
    },
  };
};
