import { type ProviderName, REGISTRY } from './registry.js';

export { type ProviderName } from './registry.js';

/** The calendar services an account can be of; part of stored events, rows and the API. */
export const PROVIDER_NAMES = Object.keys(REGISTRY) as readonly ProviderName[];
