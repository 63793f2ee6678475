import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { type ProviderName } from '../provider/names.js';
import { type Purpose, type Tie } from './attempt.js';
import { type Access } from './connection.js';
import { type Reached } from './connection.commands.js';
import { type Reached as ReachedBy } from './return-address.js';

/** What an attempt is to achieve: a new account, with the access wanted, or new tokens or more rights for one that is connected. */
export type Aim =
  | Readonly<{ purpose: 'connect'; provider: ProviderName; consent: boolean; access: Access }>
  | Readonly<{ purpose: 'reconnect' | 'widen'; connectionId: string }>;

/** How the person came, and where they are sent back to. */
export type Way = Readonly<{ reached: ReachedBy; returnTo: string | undefined }>;

/** Where the person is to be sent, and what ties the attempt to their browser. */
export type Begun = Readonly<{ connectionId: string; authorizationUrl: string; tie: Tie }>;

/** Begins an attempt. It goes by the command's id: a command that comes twice begins the same attempt again. */
export class BeginAttempt extends Command<Begun> {
  constructor(
    readonly actor: Actor,
    readonly aim: Aim,
    readonly way: Way,
    readonly attemptId: string,
  ) {
    super();
  }
}

/** What became of a vendor's answer. `returnTo`: null when no place to send the person back to is known. */
export type Outcome = Readonly<{ provider: ProviderName; returnTo: string | null }> &
  (
    | Readonly<{ kind: 'connected'; purpose: Purpose; limited: boolean; reached: Reached }>
    /** `confirm`: the code by which the user shows that this browser is theirs. */
    | Readonly<{ kind: 'pending'; connectionId: string; confirm: string }>
    /** The password is awaited. `action`: the path that takes it from this browser, for as long as `tie` lasts. */
    | Readonly<{ kind: 'signed-in'; connectionId: string; attemptId: string; username: string | null; action: string; tie: Tie }>
    | Readonly<{ kind: 'refused'; code: string; detail: string }>
  );

/** The browser that a vendor sent back: its cookies, and what its request causes for a person. */
export type Browser = Readonly<{ cookie: (name: string) => string | null; cause: (userId: string) => Promise<Cause> }>;

/** Takes a vendor's answer. It never throws for what the vendor, the person or another account is the reason of. */
export class CompleteAttempt extends Command<Outcome> {
  constructor(
    readonly provider: ProviderName,
    readonly parameters: URLSearchParams,
    readonly browser: Browser,
  ) {
    super();
  }
}

/**
 * The password of an account whose person has signed in. `id`: of the connection where its user gives it, of the attempt where the browser does that the
 * service sent back.
 */
export class GivePassword extends Command<Reached> {
  constructor(
    readonly by: Readonly<{ actor: Actor; cause: Cause }> | Readonly<{ browser: Browser }>,
    readonly id: string,
    readonly credentials: Readonly<{ username: string; password: string }>,
  ) {
    super();
  }
}

/** The user of an attempt that waits says that it is theirs. `code`: what the browser was given that the vendor sent back. */
export class ConfirmAttempt extends Command<Reached> {
  constructor(
    readonly actor: Actor,
    readonly connectionId: string,
    readonly code: string | null,
    readonly cause: Cause,
  ) {
    super();
  }
}
