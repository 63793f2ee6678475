/**
 * Why a provider could not do what was asked, in words callers switch on: `cursor-expired` read it whole again; `access-revoked` the user
 * must reconnect, as where the service says why: `access-expired` unused or too old, `access-withdrawn` its owner took it back,
 * `access-policy` the owner's organisation asks for a new sign-in; `throttled` and `unavailable` pass by themselves; `calendar-gone` it no longer exists; `conflict` somebody else wrote
 * first; `forbidden` the account may not; `malformed` the answer makes no sense; `too-large` it holds more than is read of one calendar;
 * `refused-address` we will not call that address; `elsewhere` the account is on another host than its owner named; `misconfigured` the
 * operator of this service has set something wrong (a client secret, a redirect address), and only the operator can mend it.
 */
export type Fault =
  | 'cursor-expired'
  | 'access-revoked'
  | 'access-expired'
  | 'access-withdrawn'
  | 'access-policy'
  | 'throttled'
  | 'unavailable'
  | 'calendar-gone'
  | 'conflict'
  | 'forbidden'
  | 'malformed'
  | 'too-large'
  | 'refused-address'
  | 'elsewhere'
  | 'misconfigured';

/** `detail` names no person, host path or content: it is logged and shown. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  constructor(
    readonly fault: Fault,
    readonly detail: string,
    /** Seconds the provider asked us to wait. */
    readonly retryAfter: number | null = null,
    /** Of `access-policy`: after how many hours the organisation asks for a new sign-in, where the service says so. */
    readonly hours: number | null = null,
  ) {
    super(`${fault}: ${detail}`);
  }
}

/** The account is on another host, where a password goes only when its owner names that host. */
export class OnAnotherHost extends ProviderFault {
  readonly #origin: string;

  constructor(origin: string) {
    super('elsewhere', 'the calendars are on another host than the one that was named');
    this.#origin = origin;
  }

  /** It may name a person: for the owner alone, and in no log and no event. */
  get origin(): string {
    return this.#origin;
  }
}

/** What every request on the network needs: the way to stop it, and leave to make it. */
export type Call = Readonly<{
  signal: AbortSignal;
  /** Awaited before each request; throws when the caller has lost its right to call (revoked, superseded by another worker). */
  permit: () => Promise<void>;
}>;
