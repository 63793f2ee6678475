import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { entryOf } from '../provider/registry.js';
import { relinkAccount } from './account.linking.js';
import { openAccount, signInOf, toSecret } from './account.proof.js';
import { connection, reconnectable } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached, Reconnect } from './connection.commands.js';
import { KEY_GONE, type KeyGone } from './key-gone.js';

const byRedirect = (): Refused =>
  new Refused('connection.redirect-needed', 422, 'This account is connected through the pages of its service: send no "credentials".');

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
    const { store, vault, clock, keyGone } = this;
    const { state } = await store.stateOf(connection, connectionCodec, connectionId);
    const { provider } = reconnectable(state, userId);
    if (entryOf(provider).connect.by === 'oauth') throw byRedirect();
    const secret = { ...(await signInOf(vault, userId, connectionId)), ...toSecret(credentials) };
    const discovery = await openAccount(this.providers, provider, secret);
    const relink = { userId, connectionId, provider, secret, state, access: null, cause, commandId, ...discovery };
    return relinkAccount({ store, vault, clock, keyGone }, relink);
  }
}
