import { createContext, Script } from 'node:vm';
import { type StoredEvent } from './stored-event.js';
import { Fault, STATUS } from './grpc-status.js';

/** Which events a reader of all streams wants: by a regular expression, or by any of some prefixes, of the stream's name or the event's type. */
export type Filter = Readonly<{ on: 'stream' | 'type'; regex: string | null; prefixes: readonly string[] }>;

/** For each of some events, whether it is wanted. */
export type Matcher = (events: readonly StoredEvent[]) => readonly boolean[];

/** Longest that a client's expression may take for one page of names, in milliseconds. */
const PATIENCE = 250;
const TEST = new Script('names.map((name) => expression.test(name))');

const isOvertime = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

const globals: { expression: RegExp; names: readonly string[] } = { expression: /(?:)/, names: [] };
const context = createContext(globals);

/** An expression that explodes would stop the whole server: the machine that runs it is told to give up. */
const byExpression = (regex: string): ((names: readonly string[]) => readonly boolean[]) => {
  const expression = new RegExp(regex);
  return (names) => {
    Object.assign(globals, { expression, names });
    try {
      return TEST.runInContext(context, { timeout: PATIENCE }) as readonly boolean[];
    } catch (error) {
      if (!isOvertime(error)) throw error;
      throw new Fault(STATUS.invalidArgument, 'The filter’s regular expression takes too long.');
    }
  };
};

/** Throws a `Fault` when the regular expression is none; the matcher throws one when it takes too long. */
export const matcherOf = ({ on, regex, prefixes }: Filter): Matcher => {
  if (regex === null) return (events) => events.map((event) => prefixes.some((prefix) => event[on].startsWith(prefix)));
  try {
    const matches = byExpression(regex);
    return (events) => matches(events.map((event) => event[on]));
  } catch {
    throw new Fault(STATUS.invalidArgument, 'The filter is not a regular expression.');
  }
};
