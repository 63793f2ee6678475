import { PROVIDER_NAMES, type ProviderName } from '../provider/names.js';
import { entryOf, REGISTRY } from '../provider/registry.js';

/** What the product calls a kind of account. */
export const nameOf = (provider: ProviderName): string => REGISTRY[provider].name;

/** Kinds whose accounts are connected through the pages of their service. */
export const BY_REDIRECT = PROVIDER_NAMES.filter((provider) => entryOf(provider).connect.by === 'oauth');

/** What can be connected: how it is done as the API names it, and whether it is available here. */
export const providersHere = (has: (provider: ProviderName) => boolean) =>
  PROVIDER_NAMES.map((provider) => {
    const { name, color, connect, words } = entryOf(provider);
    const available = has(provider);
    const how = connect.by === 'oauth' ? ('oauth' as const) : ('credentials' as const);
    return { provider, name, color, connect: how, available, help: available ? words.help : words.missing };
  });
