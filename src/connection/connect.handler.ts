import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { isNewWithRoom, linkAccount } from './account.linking.js';
import { openAccount, toSecret } from './account.proof.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { ConnectCalendar, type Reached } from './connection.commands.js';
import { CONSENT_TEXT_VERSION, refuseWithoutConsent } from './consent.js';

/** The account is read before anything is kept. */
@CommandHandler(ConnectCalendar)
export class ConnectCalendarHandler implements ICommandHandler<ConnectCalendar> {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(PROVIDERS) private readonly providers: Providers,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ENTROPY) private readonly entropy: Entropy,
  ) {}

  async execute({ actor: { userId }, request, cause, commandId: connectionId }: ConnectCalendar): Promise<Reached> {
    const { store, vault, database, clock, entropy } = this;
    const { provider, access } = request;
    refuseWithoutConsent(request.consent);
    const consent = { textVersion: CONSENT_TEXT_VERSION, givenAt: instant(clock.now()) };
    if (await this.isOver(connectionId)) return { connectionId, written: {} };
    const isNew = await isNewWithRoom(vault, userId, connectionId);
    const secret = toSecret(request.credentials);
    const discovery = await openAccount(this.providers, provider, secret);
    const link = { userId, connectionId, provider, secret, access, consent, isNew, cause, ...discovery };
    return linkAccount({ store, vault, database, clock, entropy }, link);
  }

  /** Repeated after what it made was revoked: nothing is made again. */
  private async isOver(connectionId: string): Promise<boolean> {
    const { state } = await this.store.stateOf(connection, connectionCodec, connectionId);
    return state.status === 'revoked';
  }
}
