import { postman } from '../push.http.js';
import { messageHeaders, type Send } from './channels.js';
import { type GoogleFaults, type Place } from './faults.js';

/** Sends notifications until it is stopped. Messages of one channel go out one after the other. */
export type Delivery = Readonly<{ send: Send; stop: () => Promise<void> }>;

/** Answers that are tried again; all others are final, and so is an address that cannot be reached (guide "Push notifications"). */
const PASSING = new Set<number | null>([500, 502, 503, 504]);

const USER_AGENT = 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)';

export const pushDelivery = (faults: GoogleFaults): Delivery => {
  const { post, stop } = postman();
  return {
    send: (channel, state, number, isStopped) => {
      const place: Place = { account: channel.account, calendar: channel.calendar, on: 'api' };
      if (isStopped && faults.take('push-unstoppable', place) === null) return;
      if (faults.take('push-lost', place) !== null) return;
      const headers = { ...messageHeaders(channel, state, number), 'user-agent': USER_AGENT };
      const message = { address: channel.address, headers };
      const times = faults.take('push-repeated', place) === null ? 1 : 2;
      for (let time = 0; time < times; time += 1)
        post(
          channel.id,
          () => message,
          (status) => PASSING.has(status),
        );
    },
    stop,
  };
};
