/** Names of elements as this server writes them, by the prefixes it declares on every root: d, c, cs, ical. */
const NAMESPACES = {
  d: 'DAV:',
  c: 'urn:ietf:params:xml:ns:caldav',
  cs: 'http://calendarserver.org/ns/',
  ical: 'http://apple.com/ns/ical/',
} as const;

const PREFIXES: ReadonlyMap<string, string> = new Map(Object.entries(NAMESPACES).map(([prefix, uri]) => [uri, prefix]));

/** `d:getetag`; of a namespace this server does not know, `{uri}local`. */
export const nameOf = (uri: string, local: string): string => {
  const prefix = PREFIXES.get(uri);
  return prefix === undefined ? `{${uri}}${local}` : `${prefix}:${local}`;
};

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** An element around content that is XML already. */
export const element = (name: string, content = ''): string => {
  const [, uri, local] = /^\{(.*)\}(.*)$/s.exec(name) ?? [];
  const [tag, declared] = uri === undefined || local === undefined ? [name, ''] : [`x:${local}`, ` xmlns:x="${escapeXml(uri)}"`];
  return content === '' ? `<${tag}${declared}/>` : `<${tag}${declared}>${content}</${tag}>`;
};

const DECLARED = Object.entries(NAMESPACES)
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('');

const document = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<${root}${DECLARED}>${content}</${root}>\n`;

/** Status lines of RFC 4918 13. */
const STATUS: Readonly<Record<number, string>> = { 200: 'OK', 404: 'Not Found', 507: 'Insufficient Storage' };

const status = (code: number): string => element('d:status', `HTTP/1.1 ${code} ${STATUS[code] ?? ''}`);

const propstat = (code: number, properties: readonly string[]): string =>
  properties.length === 0 ? '' : element('d:propstat', element('d:prop', properties.join('')) + status(code));

/** One resource with the properties it has (name and content) and the names of those it has not. */
export const foundRow = (href: string, found: ReadonlyMap<string, string>, missing: readonly string[]): string => {
  const properties = [...found].map(([name, content]) => element(name, content));
  const parts =
    propstat(200, properties) +
    propstat(
      404,
      missing.map((name) => element(name)),
    );
  return element('d:response', element('d:href', escapeXml(href)) + (parts === '' ? propstat(200, ['']) : parts));
};

/** One resource of which only a status is to be told. */
export const statusRow = (href: string, code: 404 | 507): string =>
  element('d:response', element('d:href', escapeXml(href)) + status(code));

export const multistatus = (rows: readonly string[], syncToken: string | null = null): string =>
  document('d:multistatus', rows.join('') + (syncToken === null ? '' : element('d:sync-token', escapeXml(syncToken))));

/** What a refusal states, `d:valid-sync-token` (RFC 4918 16). */
export const condition = (name: string, content = ''): string => document('d:error', element(name, content));
