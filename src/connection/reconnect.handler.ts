import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Cause, metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { AccountTaken, KeyDestroyed, type Secret, VAULT, type Vault } from '../kernel/vault.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { calendarIdsOf } from './account.discovery.js';
import { accountExists, accountMarks, openAccount, toSecret } from './account.proof.js';
import { connection, connectionRevoked, reconnectable } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached, Reconnect } from './connection.commands.js';
import { KEY_GONE, type KeyGone } from './key-gone.js';

/** The new secret is stored before the fact: the fact wakes the syncs, which must find it. A death in between leaves a repeat to the user. */
@CommandHandler(Reconnect)
export class ReconnectHandler implements ICommandHandler<Reconnect> {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(PROVIDERS) private readonly providers: Providers,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(KEY_GONE) private readonly keyGone: KeyGone,
  ) {}

  async execute({ actor: { userId }, connectionId, credentials, cause, commandId }: Reconnect): Promise<Reached> {
    const { vault, store } = this;
    const { state } = await store.stateOf(connection, connectionCodec, connectionId);
    const { provider } = reconnectable(state, userId);
    const secret = toSecret(credentials);
    const discovery = await openAccount(this.providers, provider, secret);
    const { proved, typed } = await accountMarks(vault, userId, provider, secret, discovery);
    const calendarIds = await calendarIdsOf(vault, { connectionId, userId }, discovery.calendars);
    const likeness = { held: await vault.accountOf(connectionId), typed, calendarIds };
    const command = { type: 'Reconnect', owner: userId, account: proved, likeness, at: instant(this.clock.now()) } as const;
    connection.decide(state, command);
    await this.hold(userId, connectionId, proved);
    await this.replaceSecret(userId, connectionId, secret, cause);
    const { position } = await handle(store, connection, connectionCodec, {
      id: connectionId,
      command,
      metadata: metadataOf(cause, commandId),
      ifMatch: null,
    });
    return { connectionId, written: { connection: position } };
  }

  private async hold(userId: string, connectionId: string, account: string): Promise<void> {
    try {
      await this.vault.holdAccount(userId, connectionId, account);
    } catch (error) {
      throw error instanceof AccountTaken ? accountExists(error.connectionId) : error;
    }
  }

  private async replaceSecret(userId: string, connectionId: string, secret: Secret, cause: Cause): Promise<void> {
    try {
      await this.vault.replaceSecret(userId, connectionId, secret);
    } catch (error) {
      if (!(error instanceof KeyDestroyed)) throw error;
      await this.keyGone(connectionId, systemCause('sync', userId, cause.correlationId));
      throw connectionRevoked();
    }
  }
}
