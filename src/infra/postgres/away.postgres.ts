import { types } from 'node:util';

/** SQLSTATE classes of a server that stops, starts or has no room (08, 57P, 53300), and what Node says of a connection. */
const CODES = /^(08|57P|53300|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** What pg says without a code. */
const MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered|Client was closed|Cannot use a pool)/;

/** True when a statement failed because its connection or the server went away. */
export const isDatabaseAway = (error: unknown): boolean => {
  if (!types.isNativeError(error)) return false;
  const { message, code } = error as Error & { code?: unknown };
  return (typeof code === 'string' && CODES.test(code)) || MESSAGES.test(message);
};
