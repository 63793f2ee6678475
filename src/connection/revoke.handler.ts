import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { metadataOf } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached, Revoke } from './connection.commands.js';
import { CONNECTION_RUNTIME, type ConnectionRuntime } from './connection.runtime.js';

/**
 * Local stop first: the fact, and in the same breath every claim on the connection's calendars is made worthless, so that no worker gets leave
 * for another request. Grant, secrets, keys and rows follow by the worker.
 */
@CommandHandler(Revoke)
export class RevokeHandler implements ICommandHandler<Revoke> {
  constructor(@Inject(CONNECTION_RUNTIME) private readonly runtime: ConnectionRuntime) {}

  async execute({ actor: { userId }, connectionId, ifMatch, cause }: Revoke): Promise<Reached> {
    const command = { type: 'Revoke', owner: userId, at: instant(this.runtime.clock.now()) } as const;
    const metadata = metadataOf(cause, this.runtime.entropy.uuid());
    const { position } = await handle(this.runtime.store, connection, connectionCodec, { id: connectionId, command, metadata, ifMatch });
    await this.runtime.database.query(
      `update sync_state set epoch = epoch + 1, due_at = 'infinity', wake = false where connection_id = $1`,
      [connectionId],
    );
    // The account may be connected again from now on.
    await this.runtime.vault.releaseAccount(connectionId);
    await this.runtime.database.query('update connection_state set epoch = epoch + 1 where connection_id = $1', [connectionId]);
    return { connectionId, written: { connection: position } };
  }
}
