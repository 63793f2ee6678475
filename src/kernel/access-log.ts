import { type Cause } from './cause.js';

/** Somebody asking for the data of others; `subjects` are those whose data it is, as far as the answer may hold it. */
export type Access = Readonly<{
  subjects: readonly string[];
  purpose: 'availability';
  /** The request that asks. */
  cause: Cause;
}>;

/**
 * Who looked at whose data; never removed. What is granted is answered only when its record stands in the log: a call that throws must fail the
 * request. At least once: a request that dies after it was recorded may have shown nothing.
 */
export type AccessLog = Readonly<{
  /** Without subjects nothing is recorded. */
  granted: (access: Access) => Promise<void>;
  /** Names no subject: those asked for may be anything somebody typed. */
  refused: (access: Omit<Access, 'subjects'>) => Promise<void>;
}>;

/** DI token of the `AccessLog`. */
export const ACCESS_LOG = Symbol('AccessLog');
