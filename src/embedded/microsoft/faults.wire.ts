import { z } from 'zod';
import { type MicrosoftFault } from './faults.js';

const OPERATIONS = [
  ...(['me', 'settings', 'calendars', 'view', 'delta', 'events', 'event', 'instances', 'create', 'change', 'delete'] as const),
  ...(['subscribe', 'subscriptions', 'renew', 'unsubscribe', 'reauthorize'] as const),
] as const;

const on = (usual: 'api' | 'token') => z.enum(['api', 'token', ...OPERATIONS]).default(usual);

const where = {
  account: z.string().nullable().default(null),
  calendar: z.string().nullable().default(null),
  times: z.int().positive().nullable().default(null),
  share: z.number().min(0).max(1).nullable().default(null),
};

const ofApi = { ...where, on: on('api') };
const ofToken = { ...where, on: on('token') };

const BARE = [
  ...([
    'access-refused',
    'senseless',
    'empty-pages',
    'repeated-rows',
    'strangers',
    'masters-left-out',
    'nameless-rows',
    'senseless-times',
    'broken',
    'cut',
  ] as const),
  ...(['transaction-conflict', 'one-subscription', 'push-lost', 'push-repeated'] as const),
] as const;

const code = (usual: string) => z.string().default(usual);
const retryAfter = z.number().nonnegative().nullable().default(null);
const milliseconds = z.int().nonnegative().max(600_000);

const refusal = {
  status: z.literal([400, 404, 410]).default(410),
  code: code('SyncStateNotFound'),
  location: z.boolean().default(false),
};

/** A fault as `POST /sandbox/faults` takes it. */
export const FaultOrder: z.ZodType<MicrosoftFault> = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.enum(BARE), ...ofApi }),
  z.strictObject({ fault: z.literal('denied'), code: code('ErrorAccessDenied'), ...ofApi }),
  z.strictObject({ fault: z.literal('missing'), code: code('ErrorItemNotFound'), ...ofApi }),
  z.strictObject({ fault: z.enum(['delta-refused', 'delta-refused-midway']), ...refusal, ...ofApi }),
  z.strictObject({ fault: z.literal('short-pages'), size: z.int().positive(), ...ofApi }),
  z.strictObject({ fault: z.literal('bare-removals'), told: z.enum(['series', 'occurrences']), ...ofApi }),
  z.strictObject({ fault: z.literal('throttled'), code: code('ApplicationThrottled'), retryAfter, ...ofApi }),
  z.strictObject({ fault: z.literal('unavailable'), status: z.literal([502, 503, 504]).default(503), retryAfter, ...ofApi }),
  z.strictObject({ fault: z.literal('slow'), milliseconds, ...ofApi }),
  z.strictObject({ fault: z.literal('push-late'), milliseconds, ...ofApi }),
  z.strictObject({ fault: z.literal('grant-refused'), number: z.int().default(700082), seconds: z.int().default(43_200), ...ofToken }),
  z.strictObject({ fault: z.literal('client-refused'), number: z.int().default(7000215), ...ofToken }),
  z.strictObject({ fault: z.literal('no-refresh-token'), ...ofToken }),
]);
