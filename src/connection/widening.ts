import { type Actor } from '../kernel/actor.js';
import { Refused } from '../kernel/refused.js';
import { type Tie } from './attempt.js';
import { type Reached } from './return-address.js';

/** Juy may not write to the account of a calendar, because its owner has granted less at the vendor. */
export class ScopeMissing extends Refused {
  constructor(
    readonly connectionId: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(
      'calendar.scope-missing',
      409,
      'You have not granted the right to write at the calendar service: open "authorizationUrl" to grant it, then repeat this.',
      null,
      members,
    );
  }
}

/** Who wants more rights for a connection, how they reach the service, and where they are sent back to. */
export type Wish = Readonly<{
  actor: Actor;
  connectionId: string;
  reached: Reached;
  returnTo: string | undefined;
}>;

/** Begins an attempt to get the right to write. */
export type Widening = (wish: Wish) => Promise<Readonly<{ authorizationUrl: string; tie: Tie }>>;

/** DI token of the `Widening`. */
export const WIDENING = Symbol('Widening');
