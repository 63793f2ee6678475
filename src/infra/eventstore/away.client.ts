import { ErrorType, isCommandError } from '@eventstore/db-client';

const TYPES: ReadonlySet<string> = new Set([ErrorType.UNAVAILABLE, ErrorType.DEADLINE_EXCEEDED, ErrorType.CANCELLED, ErrorType.TIMEOUT]);

/** A call that comes while the client changes its channel, or whose connection breaks in its middle, has no type. */
const MESSAGES = /channel has been (closed|shut down)|RST_STREAM|ECONN|EPIPE|write after end|premature close|Connection dropped/i;

/** True when a call failed because the server went away, or did not answer in time. */
export const isEventStoreAway = (error: unknown): boolean =>
  error instanceof Error && ((isCommandError(error) && TYPES.has(error.type)) || MESSAGES.test(error.message));
