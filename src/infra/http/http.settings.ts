/** How bearer tokens are verified: by the keys of an identity provider, or (never in production) by a key of our own that anybody may use. */
export type AuthSettings = Readonly<{ mode: 'jwks'; jwksUrl: string; issuer: string; audience: string }> | Readonly<{ mode: 'dev' }>;

/** How the service is reached over HTTP. */
export type HttpSettings = Readonly<{
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Where health and metrics are answered instead of at `port`, 0 at any free one; null: at `port`. */
  operationsPort: number | null;
  /** How the outside reaches the service, without a slash at the end; null when it is not set. */
  publicUrl: string | null;
  corsOrigins: readonly string[];
  /** Paths of PEM files; null serves plain HTTP. */
  tls: Readonly<{ cert: string; key: string }> | null;
  /** Hops, or addresses, of the proxies whose X-Forwarded-* headers are believed; null believes none. */
  trustProxy: number | readonly string[] | null;
  /** Requests a minute of one person, and of one address without a token that is accepted; 0: any number. Each process counts by itself. */
  rateLimits: Readonly<{ person: number; anonymous: number }>;
}>;
