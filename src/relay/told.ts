import { type Message as Published } from '../kernel/broker.js';
import { type Message as Event } from '../kernel/decider.js';

/** CloudEvents' `source` of everything the service publishes; permanent. */
export const SOURCE = 'juy/calendar';

/**
 * What a topic tells, before it is put into its envelope. `id`: the same whenever it is told again (UUID). `type`: of CloudEvents, such as
 * `juy.calendar.connections.connected.v1`. `key`: of the message, and CloudEvents' subject. `time`: RFC 3339, UTC.
 */
export type Told = Readonly<{ id: string; type: string; key: string; time: string; data: Readonly<Record<string, unknown>> }>;

export const EVENT_HEADERS = { 'content-type': 'application/cloudevents+json; charset=utf-8' } as const;

/** A message in CloudEvents 1.0's structured mode: everything stands in the value. */
export const messageOf = ({ id, type, key, time, data }: Told): Published => ({
  id,
  key,
  value: JSON.stringify({ specversion: '1.0', id, source: SOURCE, type, subject: key, time, datacontenttype: 'application/json', data }),
  headers: EVENT_HEADERS,
});

/** Why events of a type are told by no message of a topic. */
export type Untold = Readonly<{ untold: string }>;

/** For each type of event of a family, what is told of it or why nothing is; complete, because the compiler asks for each. */
export type Tellers<E extends Event, Context, Fact> = {
  readonly [T in E['type']]: ((event: Extract<E, { type: T }>, context: Context) => Fact) | Untold;
};

/** What is told of an event; null: nothing. */
export const tell = <E extends Event, Context, Fact>(tellers: Tellers<E, Context, Fact>, event: E, context: Context): Fact | null => {
  const teller = tellers[event.type as E['type']] as ((event: E, context: Context) => Fact) | Untold;
  return 'untold' in teller ? null : teller(event, context);
};

/** A code as it is published: what does not look like one may be a text, which is never published. */
export const codeOf = (text: string): string => (/^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/.test(text) && text.length <= 64 ? text : 'other');
