/** The calendar services an account can be of; part of stored events, rows and the API. */
export const PROVIDER_NAMES = ['google', 'microsoft', 'apple', 'caldav'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];
