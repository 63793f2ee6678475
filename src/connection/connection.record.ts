import { type Cause, metadataOf, systemCause } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Lease } from '../kernel/due-work.js';
import { connection, type ConnectionCommand } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type ConnectionRuntime } from './connection.runtime.js';

/** A claimed row of `connection_state`. */
export type ConnectionRow = Readonly<{
  connection_id: string;
  user_id: string;
  provider: string;
  task: 'discover' | 'revoke';
  failures: number;
}>;

/** The cause of one piece of due work on a connection. */
export const causeOf = ({ entropy }: ConnectionRuntime, { user_id }: ConnectionRow): Cause => systemCause('sync', user_id, entropy.uuid());

/** Gives a connection a command of the system. */
export const record = async (
  { store, entropy }: Pick<ConnectionRuntime, 'store' | 'entropy'>,
  id: string,
  command: ConnectionCommand,
  cause: Cause,
): Promise<void> => {
  await handle(store, connection, connectionCodec, { id, command, metadata: metadataOf(cause, entropy.uuid()), ifMatch: null });
};

/** Sets a row's failures and when it is due again (milliseconds since the epoch), if the claim still holds. */
export const later = async (
  { database }: ConnectionRuntime,
  row: ConnectionRow,
  lease: Lease,
  failures: number,
  due: number,
): Promise<void> => {
  await database.query('update connection_state set failures = $3, due_at = $4 where connection_id = $1 and epoch = $2', [
    row.connection_id,
    lease.epoch,
    failures,
    instant(due),
  ]);
};
