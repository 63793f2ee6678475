import { type Providers } from '../provider/calendar-provider.js';
import { PROVIDER_NAMES, type ProviderName } from '../provider/names.js';
import { entryOf, REGISTRY } from '../provider/registry.js';

/** What the product calls a kind of account. */
export const nameOf = (provider: ProviderName): string => REGISTRY[provider].name;

/** Kinds whose people may be sent to the pages of their service, to grant access or to sign in. */
export const BY_REDIRECT = PROVIDER_NAMES.filter((provider) => {
  const { connect } = entryOf(provider);
  return connect.by === 'oauth' || connect.signIn;
});

/** What can be connected: how it is done as the API names it, and whether it is available here. */
export const providersHere = (providers: Providers) =>
  PROVIDER_NAMES.map((provider) => {
    const { name, color, connect, words } = entryOf(provider);
    const available = providers.has(provider);
    const signIn = (providers.get(provider)?.identity ?? null) !== null;
    const how = connect.by === 'oauth' ? ('oauth' as const) : ('credentials' as const);
    return { provider, name, color, connect: how, signIn, available, help: available ? words.help : words.missing };
  });
