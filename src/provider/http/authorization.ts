/** An `Authorization` header and where it may go. */
export type Authorization = Readonly<{
  header: string;
  /** The origin the user gave them for. */
  origin: string;
  /** A domain that counts as the same service, with all hosts below it; for Apple `icloud.com`. */
  domain: string | null;
}>;

const below = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

/**
 * Whether credentials may be sent to `url`: to the very origin they were given for, or, where one service spans many hosts, to a host of
 * its domain over https. A password never follows a redirect anywhere else.
 */
export const mayAuthorize = ({ origin, domain }: Authorization, url: URL): boolean =>
  url.origin === origin ||
  (domain !== null &&
    url.protocol === 'https:' &&
    url.port === '' &&
    below(new URL(origin).hostname, domain) &&
    below(url.hostname, domain));
