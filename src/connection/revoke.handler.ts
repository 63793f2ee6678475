import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { metadataOf } from '../kernel/cause.js';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached, Revoke } from './connection.commands.js';

/**
 * Local stop first: the fact, and in the same breath every claim on the connection's calendars is made worthless, so that no worker gets leave
 * for another request. Grant, secrets, keys and rows follow by the worker.
 */
@CommandHandler(Revoke)
export class RevokeHandler implements ICommandHandler<Revoke> {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Pick<Vault, 'releaseAccount'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ENTROPY) private readonly entropy: Pick<Entropy, 'uuid'>,
  ) {}

  async execute({ actor: { userId }, connectionId, ifMatch, cause }: Revoke): Promise<Reached> {
    const command = { type: 'Revoke', owner: userId, at: instant(this.clock.now()) } as const;
    const metadata = metadataOf(cause, this.entropy.uuid());
    const { position } = await handle(this.store, connection, connectionCodec, { id: connectionId, command, metadata, ifMatch });
    await this.database.query(`update sync_state set epoch = epoch + 1, due_at = 'infinity', wake = false where connection_id = $1`, [
      connectionId,
    ]);
    // The account may be connected again from now on.
    await this.vault.releaseAccount(connectionId);
    await this.database.query('update connection_state set epoch = epoch + 1 where connection_id = $1', [connectionId]);
    return { connectionId, written: { connection: position } };
  }
}
