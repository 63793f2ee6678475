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

/** Most servers write paths like these, in which there is nothing to make uniform; thousands come in one answer. */
const PLAIN = /^(\/[A-Za-z0-9_~!*'()-][A-Za-z0-9._~!*'()-]*)+\/?$/;

/**
 * The one spelling of an object's address: its path alone, percent-encoding made uniform. Without the host, because a service such as
 * iCloud may move an account from one host to another, and sends hrefs with and without it. Null when `href` is no address.
 */
export const objectPath = (href: string, base: string): string | null => {
  if (PLAIN.test(href)) return href;
  return URL.canParse(href, base) ? canonicalPath(new URL(href, base).pathname) : null;
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
  return tag === '' ? null : `"${tag}"`;
};
