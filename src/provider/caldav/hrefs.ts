const canonicalSegment = (segment: string): string => {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch {
    return encodeURIComponent(segment);
  }
};

const canonicalPath = (path: string): string => path.split('/').map(canonicalSegment).join('/');

/**
 * The one spelling of a collection's address: absolute, percent-encoding made uniform (`@` and `%40` are the same), one slash at the end,
 * neither query nor fragment nor user. Throws `TypeError` when `href` is no address.
 */
export const collectionUrl = (href: string, base?: string): string => {
  const url = new URL(href, base);
  return `${url.origin}${canonicalPath(url.pathname).replace(/\/+$/, '')}/`;
};

/** Longer than any address or entity tag in use; what is longer costs time and room and names nothing. */
const LONGEST = 4_096;

/** Whether a server's `href` is an address at all. */
export const isAddress = (href: string, base: string): boolean => href.length <= LONGEST && URL.canParse(href, base);

/** Most servers write paths like these, in which there is nothing to make uniform; thousands come in one answer. */
const PLAIN = /^(\/[A-Za-z0-9_~!*'()-][A-Za-z0-9._~!*'()-]*)+\/?$/;

/**
 * The one spelling of an object's address: its path alone, percent-encoding made uniform. Without the host, because a service such as
 * iCloud may move an account from one host to another, and sends hrefs with and without it. Null when `href` is no address.
 */
export const objectPath = (href: string, base: string): string | null => {
  if (href.length > LONGEST) return null;
  if (PLAIN.test(href)) return href;
  const { pathname } = URL.canParse(href, base) ? new URL(href, base) : { pathname: '' };
  return pathname.startsWith('/') ? canonicalPath(pathname) : null;
};

/** Where an object is fetched: on the calendar's own host, whatever its path looks like (`//other.example/a.ics`). */
export const objectUrl = (path: string, calendar: string): string => {
  const url = new URL(calendar);
  url.pathname = path;
  return url.href;
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
