import { type Secret } from '../kernel/vault.js';
import { ProviderFault } from './provider-fault.js';

/** What opens an account, for one piece of work. A password is a grant that never changes; the tokens of a vendor are renewed. */
export type Grant = Readonly<{
  /** What opens the account now, good for at least a minute. Throws `ProviderFault` `access-revoked` when the grant is dead. */
  secret: () => Promise<Secret>;
  /**
   * The service refused `seen`: answers what another process has stored meanwhile, else renews it. Throws `access-revoked` when there is nothing to
   * renew.
   */
  renew: (seen: Secret) => Promise<Secret>;
}>;

/** Credentials that are what they are: refused once, they are refused. */
export const fixedGrant = (secret: Secret): Grant => ({
  secret: () => Promise.resolve(secret),
  renew: () => Promise.reject(new ProviderFault('access-revoked', 'the credentials were refused')),
});
