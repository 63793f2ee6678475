import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { type Written } from '../kernel/projection.js';
import { type ProviderName } from '../provider/names.js';
import { type AccountCredentials } from './account.proof.js';
import { type Access } from './connection.js';

/** Which connection a command was about, and what it wrote: what the read models must have reached to show it. */
export type Reached = Readonly<{ connectionId: string; written: Written }>;

/**
 * Links an account by user name and password. The credentials are proved by reading the account before anything is kept. The connection goes by
 * the command's id: a command that comes twice finds what it has made.
 */
export class ConnectCalendar extends Command<Reached> {
  constructor(
    readonly actor: Actor,
    readonly request: Readonly<{ provider: ProviderName; consent: boolean; access: Access; credentials: AccountCredentials }>,
    readonly cause: Cause,
    readonly commandId: string,
  ) {
    super();
  }
}

/** New credentials for an account that is linked already: calendars, modes and history stay. */
export class Reconnect extends Command<Reached> {
  constructor(
    readonly actor: Actor,
    readonly connectionId: string,
    readonly credentials: AccountCredentials,
    readonly cause: Cause,
    readonly commandId: string,
  ) {
    super();
  }
}

/** Ends a connection: nothing more is read from the moment it is answered; grant, secrets and data are wound up within seconds. */
export class Revoke extends Command<Reached> {
  constructor(
    readonly actor: Actor,
    readonly connectionId: string,
    readonly ifMatch: bigint | null,
    readonly cause: Cause,
  ) {
    super();
  }
}
