import { setTimeout as sleep } from 'node:timers/promises';
import { type Json } from '../json.js';
import { type Postman, postman } from '../push.http.js';
import { type MicrosoftFaults, type Place } from './faults.js';
import { type Send } from './subscriptions.js';

/** Sends notices until it is stopped. What has gathered for an address while an earlier request was under way goes out in one. */
export type Delivery = Readonly<{ send: Send; stop: Postman['stop'] }>;

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Microsoft-Graph-Change-Notifications' };

/** Everything but success is tried again. */
const isPassing = (status: number | null): boolean => status === null || status < 200 || status > 299;

export const pushDelivery = (faults: MicrosoftFaults): Delivery => {
  const { post, stop } = postman();
  const stopping = new AbortController();
  const gathered = new Map<string, Json[]>();
  const queue = (address: string, notice: Json): void => {
    const waiting = gathered.get(address) ?? [];
    gathered.set(address, [...waiting, notice]);
    const message = () => {
      const value = gathered.get(address) ?? [];
      gathered.delete(address);
      return value.length === 0 ? null : { address, headers: HEADERS, body: JSON.stringify({ value }) };
    };
    post(address, message, isPassing);
  };
  return {
    send: ({ account, calendar }, address, notice) => {
      const place: Place = { account, calendar, on: 'subscribe' };
      if (faults.take('push-lost', place) !== null) return;
      const times = faults.take('push-repeated', place) === null ? 1 : 2;
      const late = faults.take('push-late', place)?.milliseconds ?? 0;
      const all = (): void => {
        for (let time = 0; time < times; time += 1) queue(address, notice);
      };
      if (late === 0) all();
      else void sleep(late, undefined, { signal: stopping.signal }).then(all, () => undefined);
    },
    stop: () => {
      stopping.abort();
      return stop();
    },
  };
};
