import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { instant } from '../kernel/clock.js';
import { type Providers } from '../provider/calendar-provider.js';
import { isNewWithRoom, linkAccount, type Linking } from './account.linking.js';
import { openAccount, toSecret } from './account.proof.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { ConnectCalendar, type Reached } from './connection.commands.js';
import { ConnectionPorts } from './connection.ports.js';
import { CONSENT_TEXT_VERSION, refuseWithoutConsent } from './consent.js';

/** The account is read before anything is kept. */
@CommandHandler(ConnectCalendar)
export class ConnectCalendarHandler implements ICommandHandler<ConnectCalendar> {
  constructor(@Inject(ConnectionPorts) private readonly ports: Linking & Readonly<{ providers: Providers }>) {}

  async execute({ actor: { userId }, request, cause, commandId: connectionId }: ConnectCalendar): Promise<Reached> {
    const { vault, providers, clock } = this.ports;
    const { provider, access } = request;
    refuseWithoutConsent(request.consent);
    const consent = { textVersion: CONSENT_TEXT_VERSION, givenAt: instant(clock.now()) };
    if (await this.isOver(connectionId)) return { connectionId, written: {} };
    const isNew = await isNewWithRoom(vault, userId, connectionId);
    const secret = toSecret(request.credentials);
    const discovery = await openAccount(providers, provider, secret);
    const link = { userId, connectionId, provider, secret, access, consent, isNew, cause, ...discovery };
    return linkAccount(this.ports, link);
  }

  /** Repeated after what it made was revoked: nothing is made again. */
  private async isOver(connectionId: string): Promise<boolean> {
    const { state } = await this.ports.store.stateOf(connection, connectionCodec, connectionId);
    return state.status === 'revoked';
  }
}
