import { Superseded } from '../kernel/due-work.js';
import { Contended, WrongRevision } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { KeyDestroyed } from '../kernel/vault.js';
import { ProviderFault } from '../provider/calendar-provider.js';

/** A failure as metrics and traces name it: a stable code, one of few, with nothing of the data it happened on. */
export const outcomeOf = (error: unknown): string => {
  if (error instanceof Refused) return error.code;
  if (error instanceof ProviderFault) return `provider.${error.fault}`;
  if (error instanceof WrongRevision) return 'stale';
  if (error instanceof Contended) return 'contended';
  if (error instanceof Superseded) return 'superseded';
  return error instanceof KeyDestroyed ? 'key-destroyed' : 'failed';
};
