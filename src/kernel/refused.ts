/**
 * A request that is understood and may not happen. `code` is a stable `noun.reason` that clients switch on; `status` the HTTP status it
 * is answered with; `detail` a sentence for people that says what to do next and holds no personal data.
 */
export class Refused extends Error {
  override readonly name: string = 'Refused';
  constructor(
    readonly code: string,
    readonly status = 409,
    readonly detail: string = code,
    /** Seconds after which the same request may succeed; becomes `Retry-After`. */
    readonly retryAfter: number | null = null,
    /** More members of the problem (RFC 9457 section 3.2): what the code lets a client do next. */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(code);
  }
}
