import { z } from 'zod';
import { type GoogleFault } from './faults.js';

const where = {
  account: z.string().nullable().default(null),
  calendar: z.string().nullable().default(null),
  times: z.int().positive().nullable().default(null),
  share: z.number().min(0).max(1).nullable().default(null),
};

const BARE = [
  ...(['access-refused', 'api-disabled', 'senseless', 'empty-pages', 'grant-rotated', 'client-refused', 'admin-blocked'] as const),
  ...(['token-refused', 'token-refused-midway'] as const),
  ...(['push-lost', 'push-repeated', 'push-unstoppable'] as const),
] as const;

const on = z.enum(['api', 'token']).default('api');
const retryAfter = z.int().nonnegative().nullable().default(null);
const reason = z.enum(['rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded']).default('rateLimitExceeded');

/** A fault as `POST /sandbox/faults` takes it. */
export const FaultOrder: z.ZodType<GoogleFault> = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.enum(BARE), ...where }),
  z.strictObject({ fault: z.literal('rate-limited'), status: z.literal([403, 429]).default(403), reason, retryAfter, ...where }),
  z.strictObject({ fault: z.literal('short-pages'), size: z.int().positive(), ...where }),
  z.strictObject({ fault: z.literal('grant-refused'), subtype: z.string().nullable().default(null), ...where }),
  z.strictObject({ fault: z.literal('unavailable'), on, retryAfter, ...where }),
  z.strictObject({ fault: z.enum(['broken', 'cut']), on, ...where }),
  z.strictObject({ fault: z.literal('slow'), on, milliseconds: z.int().nonnegative().max(600_000), ...where }),
]);
