import { Refused } from '../kernel/refused.js';
import { type Connection } from './connection.js';

/** A connection as far as its owner may act on it; for anybody else it does not exist. */
export const ownConnection = (state: Connection, userId: string): Exclude<Connection, { status: 'none' }> => {
  if (state.status === 'none' || state.userId !== userId) throw new Refused('connection.unknown', 404, 'There is no such connection.');
  return state;
};

export const connectionRevoked = (): Refused =>
  new Refused('connection.revoked', 409, 'This connection was revoked: connect the account anew.');

/** The same, refusing one that was revoked. */
export const liveConnection = (state: Connection, userId: string): Exclude<Connection, { status: 'none' | 'revoked' }> => {
  const own = ownConnection(state, userId);
  if (own.status === 'revoked') throw connectionRevoked();
  return own;
};
