import { type Secret } from '../kernel/vault.js';
import { type Call } from './provider-fault.js';

export type OAuthAccess = 'read' | 'write';

/** What a person is sent to a vendor with. `state` and `verifier` are random, single use; `verifier` as RFC 7636 has it. */
export type Asking = Readonly<{ access: OAuthAccess; redirectUri: string; state: string; verifier: string; loginHint: string | null }>;

/** What the vendor's redirect brought: the whole query (or form) as it came, and what the attempt was begun with. */
export type Answer = Readonly<{ parameters: URLSearchParams; redirectUri: string; state: string; verifier: string; access: OAuthAccess }>;

/** `access`: what was granted, `write` only when all that writing needs was; null is never answered: less than reading needs is refused. */
export type Granted = Readonly<{ secret: Secret; accountId: string; accountName: string; scopes: readonly string[]; access: OAuthAccess }>;

/** Why a vendor's answer connects nothing. */
export type OAuthRefusal = 'oauth.denied' | 'oauth.expired' | 'oauth.scope-missing' | 'oauth.admin-consent' | 'oauth.failed';

/**
 * `detail`: plain words for the person, without names, addresses or tokens. `operator`: the mistake is the operator's (client secret, redirect
 * address), and no person is to reconnect; `mend` then says to the operator what to do about it.
 */
export class OAuthRefused extends Error {
  override readonly name = 'OAuthRefused';
  constructor(
    readonly code: OAuthRefusal,
    readonly detail: string,
    readonly operator = false,
    readonly mend: string | null = null,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** How accounts of a vendor are connected through its own pages: authorization code with PKCE (RFC 6749, 7636, 9207, 9700). */
export type OAuth = Readonly<{
  /** Where the person is sent. */
  authorizationUrl: (asking: Asking) => string;
  /**
   * Exchanges the code, once. Throws `OAuthRefused`, or `ProviderFault` (`unavailable`, `throttled`) when the vendor could not be reached: the
   * code may then be tried again.
   */
  complete: (answer: Answer, call: Call) => Promise<Granted>;
  /**
   * New tokens for old. The answer always holds a refresh token: the new one, else the one that was sent. A fault that `isDeadGrant` names only
   * when the vendor says that the grant is dead; the operator's mistakes are `misconfigured`.
   */
  refresh: (secret: Secret, call: Call) => Promise<Secret>;
}>;
