import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { metadataOf } from '../kernel/cause.js';
import { type Clock, CLOCK, instant, MINUTE } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { AccountTaken, type Secret, VAULT, type Vault } from '../kernel/vault.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { recordDiscovery } from './account.discovery.js';
import { accountExists, accountMarks, openAccount, toSecret } from './account.proof.js';
import { connection } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { ConnectCalendar, type Reached } from './connection.commands.js';

/** Accounts of one person: each costs a daily discovery and the reading of its calendars. */
const MOST_CONNECTIONS = 20;

const tooMany = (): Refused =>
  new Refused('connection.too-many', 409, `A person may have ${MOST_CONNECTIONS} accounts connected: revoke one of them first.`);

/** Longer than a request takes from its vault row to its first fact. */
const IN_HAND = MINUTE;

/** The text people agree to when they connect; a changed text takes a new version. */
const CONSENT_TEXT_VERSION = '2026-11';

/** Order: account read, vault row (pending), `CalendarConnected`, vault row active, calendars. A death in between is repaired by the worker or the clean-up. */
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
    const { provider, access, credentials } = request;
    const at = instant(this.clock.now());
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
    if (await this.isOver(connectionId)) return { connectionId, written: {} };
    const before = await this.vault.connections(userId);
    // A request that comes again finds the connection it has made.
    const isNew = !before.has(connectionId);
    if (isNew && before.size >= MOST_CONNECTIONS) throw tooMany();
    const secret = toSecret(credentials);
    const discovery = await openAccount(this.providers, provider, secret);
    const { proved: account, typed } = await accountMarks(this.vault, userId, provider, secret, discovery);
    await this.refuseOlderCopy(userId, typed, connectionId);
    await this.keep(userId, connectionId, secret, account);
    if (isNew) await this.refuseTooMany(userId, connectionId);
    const sealer = await this.vault.connection(userId, connectionId);
    const sealed = sealer.seal(`connection:${connectionId}`, JSON.stringify({ accountName: discovery.accountName }));
    const { store, vault, clock, entropy } = this;
    const { position } = await handle(store, connection, connectionCodec, {
      id: connectionId,
      command: { ...linked, account, sealed },
      metadata: metadataOf(cause, connectionId),
      ifMatch: null,
    });
    await vault.activate(connectionId);
    const looked = { connectionId, userId, provider, cause };
    const discovered = await recordDiscovery({ store, vault, clock, entropy }, looked, discovery.calendars);
    return { connectionId, written: { ...discovered, connection: discovered.connection ?? position } };
  }

  /** Requests that came at the same time have all passed the first look; those that would exceed the limit together take back what they kept. */
  private async refuseTooMany(userId: string, connectionId: string): Promise<void> {
    const { vault } = this;
    if ((await vault.connections(userId)).size <= MOST_CONNECTIONS) return;
    await vault.destroyConnection(connectionId);
    throw tooMany();
  }

  /** Repeated after what it made was revoked: nothing is made again. */
  private async isOver(connectionId: string): Promise<boolean> {
    const { state } = await this.store.stateOf(connection, connectionCodec, connectionId);
    return state.status === 'revoked';
  }

  /** Of two requests for one account the database lets one pass. What a dead request or a revoked connection still holds is taken from it. */
  private async keep(userId: string, connectionId: string, secret: Secret, account: string): Promise<void> {
    const { vault } = this;
    try {
      await vault.keep(userId, connectionId, secret, account);
    } catch (error) {
      if (!(error instanceof AccountTaken)) throw error;
      if (!(await this.isLeftOver(error.connectionId))) throw accountExists(error.connectionId);
      await vault.releaseAccount(error.connectionId);
      await vault.keep(userId, connectionId, secret, account);
    }
  }

  private async isLeftOver(holder: string): Promise<boolean> {
    const { store, vault, clock } = this;
    const { status } = (await store.stateOf(connection, connectionCodec, holder)).state;
    if (status === 'none') return (await vault.pendingSince(instant(clock.now() - IN_HAND))).includes(holder);
    return status === 'revoked';
  }

  /** One that was made when accounts went by what was typed, and whose account was not read since. */
  private async refuseOlderCopy(userId: string, typed: string, connectionId: string): Promise<void> {
    const [existing] = await this.database.query<{ connection_id: string }>(
      `select connection_id from connections where user_id = $1 and account = $2 and status <> 'revoked' and connection_id <> $3`,
      [userId, typed, connectionId],
    );
    if (existing !== undefined) throw accountExists(existing.connection_id);
  }
}
