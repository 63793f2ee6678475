import { type StoredEvent } from './stored-event.js';

/** Which events a reader of all streams wants: by a regular expression, or by any of some prefixes, of the stream's name or the event's type. */
export type Filter = Readonly<{ on: 'stream' | 'type'; regex: string | null; prefixes: readonly string[] }>;

/** Throws a SyntaxError when the regular expression is none. */
export const matcher = (filter: Filter | null): ((event: Pick<StoredEvent, 'stream' | 'type'>) => boolean) => {
  if (filter === null) return () => true;
  const { on, regex, prefixes } = filter;
  if (regex !== null) {
    const expression = new RegExp(regex, 'u');
    return (event) => expression.test(event[on]);
  }
  return (event) => prefixes.some((prefix) => event[on].startsWith(prefix));
};
