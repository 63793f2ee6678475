/** Longer than any address or entity tag in use; what is longer costs time and room and names nothing. */
const LONGEST = 4_096;

/** A `%` that begins no escape stands for itself: some servers name their objects without escaping them. */
const LONE_PERCENT = /%(?![0-9a-f]{2})/gi;
const ESCAPE = /%[0-9a-f]{2}/gi;
const NO_ESCAPE = /[^%A-Za-z0-9_.!~*'()-]+/g;
const UNRESERVED = /[A-Za-z0-9_.!~*'()-]/;
const HALF_CHARACTERS = /\p{Surrogate}/gu;

const escaped = (text: string): string => encodeURIComponent(text.replace(HALF_CHARACTERS, '\uFFFD'));

const uniform = (escape: string): string => {
  const code = Number.parseInt(escape.slice(1), 16);
  const character = String.fromCharCode(code);
  return code < 0x80 && UNRESERVED.test(character) ? character : escape.toUpperCase();
};

/** A segment of a path in the one encoding; letters stay as they are, and octets that are no UTF-8 keep their escapes. */
export const canonicalSegment = (segment: string): string =>
  segment.replace(LONE_PERCENT, '%25').replace(NO_ESCAPE, escaped).replace(ESCAPE, uniform);

const eachSegment = (path: string, change: (segment: string) => string): string => path.split('/').map(change).join('/');

const canonicalPath = (path: string): string => eachSegment(path, canonicalSegment);

/** A segment as people read it: escapes resolved where the octets are text. */
export const readSegment = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

const ORIGIN = /^https?:\/\/[^/?#\\]*/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

const withoutDoubleSlashes = (path: string): string => path.replace(/\/{2,}/g, '/');

/** A path that begins with two slashes names a host (RFC 3986 4.2), unless it leads to the very folder that was asked. */
const leadsInto = (path: string, folder: string): boolean =>
  canonicalPath(withoutDoubleSlashes(path)).startsWith(canonicalPath(withoutDoubleSlashes(folder)));

/** What an `href` says after its host, as the server wrote it: `?`, `#` and `;` are part of a name. Null when it is no address. */
const writtenPath = (href: string, base: string): string | null => {
  if (href === '' || href.length > LONGEST) return null;
  const origin = ORIGIN.exec(href)?.[0];
  if (origin !== undefined) return href.length === origin.length ? '/' : href.slice(origin.length);
  if (SCHEME.test(href)) return null;
  const basePath = new URL(base).pathname;
  if (href.startsWith('//') && !leadsInto(href, basePath)) return /^\/\/[^/]*(\/.*)$/s.exec(href)?.[1] ?? '/';
  return href.startsWith('/') ? href : basePath.slice(0, basePath.lastIndexOf('/') + 1) + href;
};

const DOTS: Readonly<Record<string, 'here' | 'up'>> = { '.': 'here', '..': 'up' };

/** RFC 3986 5.2.4, as far as there are any; one slash between names. */
const normalPath = (path: string): string => {
  const plain = withoutDoubleSlashes(path.startsWith('/') ? path : `/${path}`);
  if (!/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(plain)) return plain;
  const names: string[] = [];
  const segments = plain.slice(1).split('/');
  segments.forEach((segment, index) => {
    const dots = DOTS[segment.replace(/%2e/gi, '.')];
    if (dots === 'up') names.pop();
    if (dots === undefined) names.push(segment);
    else if (index === segments.length - 1) names.push('');
  });
  return `/${names.join('/')}`;
};

/** Most servers write paths like these, in which there is nothing to make uniform; thousands come in one answer. */
const PLAIN = /^(\/[A-Za-z0-9_~!*'()-][A-Za-z0-9._~!*'()-]*)+\/?$/;

/** Whether a server's `href` is an address that can be called at all. */
export const isAddress = (href: string, base: string): boolean =>
  href !== '' && href.length <= LONGEST && URL.canParse(href, base) && /^https?:$/.test(new URL(href, base).protocol);

/**
 * The one spelling of a collection's address: absolute, percent-encoding made uniform (`@` and `%40` are the same), one slash at the end,
 * neither query nor fragment nor user. Throws `TypeError` when `href` is no address.
 */
export const collectionUrl = (href: string, base?: string): string => {
  const url = new URL(href, base);
  return `${url.origin}${canonicalPath(url.pathname).replace(/\/+$/, '')}/`;
};

/** Where a collection is called: the address as its server wrote it, with one slash at the end. Throws as `collectionUrl`. */
export const collectionAddress = (href: string, base: string): string => {
  const url = new URL(href, base);
  return `${url.origin}${url.pathname.replace(LONE_PERCENT, '%25').replace(/\/+$/, '')}/`;
};

/**
 * The path of an object as its server wrote it, without the host: a service such as iCloud may move an account from one host to another, and
 * sends hrefs with and without it. Null when `href` is no address.
 */
export const objectSpelling = (href: string, base: string): string | null => {
  if (PLAIN.test(href) && href.length <= LONGEST) return href;
  const path = writtenPath(href, base);
  return path === null ? null : normalPath(path);
};

/** The one spelling of an object's path: percent-encoding made uniform. Null when `href` is no address. */
export const objectPath = (href: string, base: string): string | null => {
  const spelling = objectSpelling(href, base);
  return spelling === null || PLAIN.test(spelling) ? spelling : canonicalPath(spelling);
};

/** Whether what an object goes by here stands for an `href` that is no address. Every path begins with a slash. */
export const leadsNowhere = (path: string): boolean => !path.startsWith('/');

/** A path with no more escaped than a request must have. */
const sendable = (path: string): string =>
  path.replace(LONE_PERCENT, '%25').replace(/[\\?#\u0000-\u0020\u007F]|[^\u0000-\u007F]+/g, escaped);

/** Characters that mean nothing in a path and that some servers do not escape (RFC 3986 3.3). */
const sparing = (path: string): string =>
  path.replace(/%(?:21|24|26|27|28|29|2A|2B|2C|3B|3D|3A|40)/gi, (escape) => decodeURIComponent(escape));

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/**
 * The ways to name an object to its server, the very text it used first. The others are for servers that do not know what they write: escaped
 * as little as a request allows, escaped throughout, hardly escaped, and the text taken for a name that was not escaped at all.
 */
export const spellingsOf = (href: string, base: string): readonly string[] => {
  if (PLAIN.test(href)) return [href];
  const path = objectSpelling(href, base) ?? href;
  const canonical = canonicalPath(path);
  return distinct([href, sendable(path), canonical, sparing(canonical), eachSegment(path, escaped)]);
};

/** Where an object is fetched: on the calendar's own host, also when its path looks like another one (`//other.example/a.ics`). */
export const objectUrl = (href: string, calendar: string): string => {
  const { origin } = new URL(calendar);
  const path = sendable(writtenPath(href, calendar) ?? href);
  return new URL(`${origin}${path.startsWith('/') ? '' : '/'}${path}`).href;
};

/**
 * An entity tag in its one spelling, `"…"`: servers send it with and without quotes, or marked weak, in different answers for the same
 * version. Null when there is none.
 */
export const canonicalEtag = (etag: string | null): string | null => {
  const tag =
    etag
      ?.trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1') ?? '';
  return tag === '' || tag.length > LONGEST ? null : `"${tag}"`;
};
