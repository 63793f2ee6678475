import { type Secret } from '../../kernel/vault.js';
import { type Grant } from '../grant.js';
import { ProviderFault } from '../provider-fault.js';

/** The access token was refused; a renewed one may not be. */
export class Unauthorized extends Error {
  override readonly name = 'Unauthorized';
}

/** A request with an access token, which is part of `secret`. Throws `Unauthorized` when the token is refused. */
type Once = (accessToken: string, secret: Secret) => Promise<unknown>;

/**
 * Makes a request with the grant's token. A token may be refused before its time: it is renewed once, and a renewed one that is refused as well is taken at
 * its word. `vendor`: its name for messages. Throws `access-revoked`.
 */
export const withAccessToken = async (grant: Grant, vendor: string, once: Once): Promise<unknown> => {
  const made = (secret: Secret): Promise<unknown> => {
    const { accessToken } = secret;
    if (accessToken === undefined) throw new ProviderFault('access-revoked', 'there is no access token');
    return once(accessToken, secret);
  };
  const seen = await grant.secret();
  try {
    return await made(seen);
  } catch (error) {
    if (!(error instanceof Unauthorized)) throw error;
  }
  const renewed = await grant.renew(seen);
  try {
    return await made(renewed);
  } catch (error) {
    throw error instanceof Unauthorized ? new ProviderFault('access-revoked', `${vendor} does not accept a renewed access token`) : error;
  }
};
