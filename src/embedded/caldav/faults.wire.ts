import { z } from 'zod';
import { type SwitchedOn } from './faults.js';

const where = {
  account: z.string().nullable().default(null),
  calendar: z.string().nullable().default(null),
  times: z.int().positive().nullable().default(null),
  share: z.number().min(0).max(1).nullable().default(null),
};

const BARE = [
  ...(['password-refused', 'sync-unsupported', 'ctag-unsupported', 'everything-listed', 'broken', 'senseless', 'cut'] as const),
  ...(['malformed-object', 'multiget-missing', 'etag-missing', 'etag-unlisted', 'absolute-hrefs', 'unescaped-hrefs'] as const),
] as const;

const retryAfter = z.int().nonnegative().nullable().default(null);

/** A fault as `POST /sandbox/faults` takes it. */
export const FaultOrder: z.ZodType<SwitchedOn> = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.enum(BARE), ...where }),
  z.strictObject({ fault: z.literal('token-refused'), status: z.literal([400, 403, 409, 412]).default(403), ...where }),
  z.strictObject({ fault: z.enum(['throttled', 'unavailable']), retryAfter, ...where }),
  z.strictObject({ fault: z.literal('slow'), milliseconds: z.int().nonnegative().max(600_000), ...where }),
  z.strictObject({ fault: z.enum(['truncated', 'multiget-short']), size: z.int().positive(), ...where }),
  z.strictObject({ fault: z.literal('redirected'), to: z.url({ protocol: /^https?$/ }), ...where }),
]);
