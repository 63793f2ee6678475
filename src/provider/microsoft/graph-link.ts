import { ProviderFault } from '../provider-fault.js';

const VERSION = '/v1.0';

/**
 * The part of a link after `/v1.0`, with its query. A link is followed, and the token sent with it, only when it leads to the very origin that is
 * configured; a server that names another is not answered. `graphUrl`: an origin. Throws `malformed`.
 */
export const pathOf = (graphUrl: string, link: string): string => {
  const root = `${graphUrl}${VERSION}`;
  if (!link.startsWith(`${root}/`) || link.includes('#') || /[/](?:[.]|%2e){1,2}(?:[/?]|$)/i.test(link))
    throw new ProviderFault('malformed', 'Microsoft’s list goes on at an address that is not its own');
  return link.slice(root.length);
};

/** A path from parts that may hold any character. */
export const pathTo = (...parts: readonly string[]): string => parts.map((part) => `/${encodeURIComponent(part)}`).join('');
