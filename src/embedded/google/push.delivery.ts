import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../kernel/clock.js';
import { messageHeaders, type Send } from './channels.js';
import { type GoogleFaults, type Place } from './faults.js';

/** Sends notifications until it is stopped. Messages of one channel go out one after the other. */
export type Delivery = Readonly<{ send: Send; stop: () => Promise<void> }>;

const TIMEOUT = 10 * SECOND;
const ATTEMPTS = 4;
const FIRST_PAUSE = 200;

/** Answers that are tried again; all others are final (guide "Push notifications"). */
const PASSING = new Set([500, 502, 503, 504]);

const USER_AGENT = 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)';

/** Whether another attempt is worth while; an address that cannot be reached is given up. */
const isRefusedForNow = async (address: string, headers: Readonly<Record<string, string>>, stopping: AbortSignal): Promise<boolean> => {
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT)]);
    const answer = await fetch(address, { method: 'POST', headers: { ...headers, 'user-agent': USER_AGENT }, redirect: 'manual', signal });
    await answer.body?.cancel();
    return PASSING.has(answer.status);
  } catch {
    return false;
  }
};

export const pushDelivery = (faults: GoogleFaults): Delivery => {
  const stopping = new AbortController();
  const queues = new Map<string, Promise<void>>();
  const deliver = async (address: string, headers: Readonly<Record<string, string>>): Promise<void> => {
    for (let attempt = 0; attempt < ATTEMPTS && !stopping.signal.aborted; attempt += 1) {
      if (attempt > 0) await sleep(FIRST_PAUSE * 2 ** (attempt - 1), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!(await isRefusedForNow(address, headers, stopping.signal))) return;
    }
  };
  return {
    send: (channel, state, number, isStopped) => {
      const place: Place = { account: channel.account, calendar: channel.calendar, on: 'api' };
      if (isStopped && faults.take('push-unstoppable', place) === null) return;
      if (faults.take('push-lost', place) !== null) return;
      const times = faults.take('push-repeated', place) === null ? 1 : 2;
      const headers = messageHeaders(channel, state, number);
      const queued = Array.from({ length: times }).reduce<Promise<void>>(
        (earlier) => earlier.then(() => deliver(channel.address, headers)),
        queues.get(channel.id) ?? Promise.resolve(),
      );
      queues.set(channel.id, queued);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(queues.values());
    },
  };
};
