import { KeyDestroyed, SecretMissing } from '../kernel/vault.js';
import { ProviderFault } from '../provider/calendar-provider.js';

/** The service refuses the credentials: only new ones help, and more tries could lock the account. */
export const DEAD_GRANTS: readonly string[] = ['access-revoked', 'access-expired', 'access-withdrawn', 'access-policy'];

export const isDeadGrant = (fault: string | null): boolean => fault !== null && DEAD_GRANTS.includes(fault);

/** Faults of an account or its server, as opposed to those of one calendar of it. */
export const ACCOUNT_FAULTS: readonly string[] = [
  ...DEAD_GRANTS,
  'unavailable',
  'throttled',
  'refused-address',
  'elsewhere',
  'misconfigured',
];

/**
 * What an error says of an account: a fault; `key-gone`, because its key is destroyed and nothing of it can be read again; null where the error
 * is ours and says nothing of it. An account without its secret waits for its owner, as one whose secret is refused.
 */
export const obstacleOf = (error: unknown): ProviderFault | 'key-gone' | null => {
  if (error instanceof ProviderFault) return error;
  if (error instanceof SecretMissing) return new ProviderFault('access-revoked', error.message);
  return error instanceof KeyDestroyed ? 'key-gone' : null;
};

/** What a connection is told of a fault. `hours`: as `ProviderFault` has it. */
export type AccountFault = Readonly<{ fault: string; needsReconnect: boolean; hours: number | null }>;

/** Met while the account itself was looked at, every fault is the account's; met in a calendar, only some are (null: it is the calendar's). */
export const accountFaultOf = (
  { fault, hours }: Pick<ProviderFault, 'fault' | 'hours'>,
  metIn: 'account' | 'calendar',
): AccountFault | null =>
  metIn === 'account' || ACCOUNT_FAULTS.includes(fault) ? { fault, needsReconnect: isDeadGrant(fault), hours } : null;
