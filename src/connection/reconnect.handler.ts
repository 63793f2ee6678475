import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { fold } from '../kernel/decider.js';
import { accountMark, openAccount, toSecret } from './account.door.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached, Reconnect } from './connection.commands.js';
import { CONNECTION_RUNTIME, type ConnectionRuntime } from './connection.runtime.js';
import { liveConnection } from './owned.js';

/** The new secret is stored before the fact: the fact wakes the syncs, which must find it. A death in between leaves a repeat to the user. */
@CommandHandler(Reconnect)
export class ReconnectHandler implements ICommandHandler<Reconnect> {
  constructor(@Inject(CONNECTION_RUNTIME) private readonly runtime: ConnectionRuntime) {}

  async execute({ actor: { userId }, connectionId, credentials, correlationId, commandId }: Reconnect): Promise<Reached> {
    const { events } = await this.runtime.store.load(`connection-${connectionId}`, connectionCodec);
    const state = fold(connection, events);
    const { provider } = liveConnection(state, userId);
    const secret = toSecret(credentials);
    const { accountName } = await openAccount(this.runtime.providers, provider, secret);
    const account = await accountMark(this.runtime.vault, userId, provider, { secret, name: accountName });
    const command = { type: 'Reconnect', account, at: instant(this.runtime.clock.now()) } as const;
    connection.decide(state, command);
    await this.runtime.vault.replaceSecret(userId, connectionId, secret);
    const metadata = { commandId, correlationId, causationId: correlationId, actor: userId };
    const { position } = await handle(this.runtime.store, connection, connectionCodec, {
      id: connectionId,
      command,
      metadata,
      ifMatch: null,
    });
    return { connectionId, position };
  }
}
