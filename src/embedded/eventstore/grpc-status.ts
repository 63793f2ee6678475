/** The codes of gRPC's statuses in use here (grpc/grpc, doc/statuscodes.md). */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export type StatusCode = (typeof STATUS)[keyof typeof STATUS];

/** How a call fails. `trailers` tell a client's program more, as EventStoreDB's do; the message is for people. */
export class Fault extends Error {
  override readonly name = 'Fault';
  constructor(
    readonly code: StatusCode,
    message: string,
    readonly trailers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout` header (`10S`, `250m`), null when there is none or it is not one. */
export const timeoutOf = (header: string | undefined): number | null => {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header ?? '') ?? [];
  return digits === undefined || unit === undefined ? null : Number(digits) * (UNITS[unit] ?? 0);
};
