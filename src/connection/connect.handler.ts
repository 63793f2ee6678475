import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { fold } from '../kernel/decider.js';
import { type Metadata } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { recordDiscovery } from './account.discovery.js';
import { accountMark, openAccount, toSecret } from './account.door.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { ConnectCalendar, type Reached } from './connection.commands.js';
import { CONNECTION_RUNTIME, type ConnectionRuntime } from './connection.runtime.js';

/** The text people agree to when they connect; a changed text takes a new version. */
const CONSENT_TEXT_VERSION = '2026-11';

/** Order: account read, vault row (pending), `CalendarConnected`, vault row active, calendars. A death in between is repaired by the worker or the clean-up. */
@CommandHandler(ConnectCalendar)
export class ConnectCalendarHandler implements ICommandHandler<ConnectCalendar> {
  constructor(@Inject(CONNECTION_RUNTIME) private readonly runtime: ConnectionRuntime) {}

  async execute({ actor: { userId }, request, correlationId, commandId: connectionId }: ConnectCalendar): Promise<Reached> {
    const { provider, access, credentials } = request;
    const at = instant(this.runtime.clock.now());
    const linked = {
      type: 'ConnectCalendar',
      consented: request.consent,
      userId,
      provider,
      access,
      consent: { textVersion: CONSENT_TEXT_VERSION, givenAt: at },
      at,
    } as const;
    // Without consent not even the account is looked at.
    connection.decide(connection.initial, { ...linked, account: '', sealed: '' });
    if (await this.isOver(connectionId)) return { connectionId, position: null };
    const secret = toSecret(credentials);
    const discovery = await openAccount(this.runtime.providers, provider, secret);
    const account = await accountMark(this.runtime.vault, userId, provider, { secret, name: discovery.accountName });
    await this.refuseSecondCopy(userId, account, connectionId);
    await this.runtime.vault.keep(userId, connectionId, secret);
    const sealer = await this.runtime.vault.connection(userId, connectionId);
    const metadata = (): Metadata => ({ commandId: this.runtime.entropy.uuid(), correlationId, causationId: correlationId, actor: userId });
    const sealed = sealer.seal(`connection:${connectionId}`, JSON.stringify({ accountName: discovery.accountName }));
    const command = { ...linked, account, sealed };
    const { position } = await handle(this.runtime.store, connection, connectionCodec, {
      id: connectionId,
      command,
      metadata: { ...metadata(), commandId: connectionId },
      ifMatch: null,
    });
    await this.runtime.vault.activate(connectionId);
    const last = await recordDiscovery(this.runtime, { connectionId, userId, provider, metadata }, discovery.calendars);
    return { connectionId, position: last ?? position };
  }

  /** Repeated after what it made was revoked: nothing is made again. */
  private async isOver(connectionId: string): Promise<boolean> {
    const { events } = await this.runtime.store.load(`connection-${connectionId}`, connectionCodec);
    return fold(connection, events).status === 'revoked';
  }

  private async refuseSecondCopy(userId: string, account: string, connectionId: string): Promise<void> {
    const [existing] = await this.runtime.database.query<{ connection_id: string }>(
      `select connection_id from connections where user_id = $1 and account = $2 and status <> 'revoked' and connection_id <> $3`,
      [userId, account, connectionId],
    );
    if (existing === undefined) return;
    throw new Refused(
      'connection.exists',
      409,
      `This account is connected already, as ${existing.connection_id}: reconnect that one instead.`,
    );
  }
}
