import { type Secret } from '../kernel/vault.js';
import { type Asking, type Answer } from './oauth.js';
import { type Call } from './provider-fault.js';

/**
 * Who signed in. `subject`: what the service knows the person by. `username`: what the account is opened by beside its password, where the service has
 * told it; null where it has not, or told an address that only forwards mail. `secret`: what is kept beside the password; it names the subject.
 */
export type Identified = Readonly<{ subject: string; username: string | null; secret: Secret }>;

/**
 * A sign-in at the service's own pages that proves who somebody is, and opens no calendar: those are opened by a password, which comes after it.
 * Parameters and failures are those of `OAuth`.
 */
export type Identity = Readonly<{
  authorizationUrl: (asking: Asking) => string;
  complete: (answer: Answer, call: Call) => Promise<Identified>;
}>;
