import { z } from 'zod';
import { Instant } from '../infra/http/contract.zod.js';
import { FRESH, FreshnessView } from '../sync/freshness.contract.js';
import { RangeText } from '../merged-events/range.contract.js';
import { USER_ID } from '../kernel/actor.js';

const Span = z.strictObject({ start: Instant, end: Instant }).meta({ id: 'Span', description: 'Half-open: the end is no longer in it.' });

const busy = z.array(Span).meta({ description: 'When time is taken, in order, none touching the next.' });
const unknown = z.array(Span).meta({
  description: 'When it is unknown: a calendar could not be read lately, or not that far. Never free, and never overlapping `busy`.',
});
const unreadable = z.int().nonnegative().meta({ description: 'Objects of the calendars that could not be read: they may be at any time.' });

export const AvailabilityFilter = z.strictObject({ range: RangeText });

export const OwnAvailability = z
  .strictObject({
    range: Span,
    timeZone: z.string().nullable(),
    busy,
    unknown,
    freshness: z.array(FreshnessView),
  })
  .meta({
    id: 'OwnAvailability',
    example: {
      range: { start: '2026-03-01T00:00:00.000Z', end: '2026-03-02T00:00:00.000Z' },
      timeZone: 'Europe/Paris',
      busy: [{ start: '2026-03-01T09:00:00.000Z', end: '2026-03-01T10:30:00.000Z' }],
      unknown: [],
      freshness: [FRESH],
    },
  });
export type OwnAvailability = z.output<typeof OwnAvailability>;

const minutes = (most: number) => z.int().min(0).max(most);

export const AvailabilityRequest = z
  .strictObject({
    users: z
      .array(z.string().regex(USER_ID, { error: 'must be a user id' }))
      .min(1)
      .max(50)
      .refine((users) => new Set(users).size === users.length, { error: 'must name each person once' })
      .meta({ description: 'Oneself, people one shares a team with, and rooms and equipment of these teams.' }),
    range: RangeText,
    durationMinutes: z.int().min(5).max(1_440).optional().meta({ description: 'Asks for slots of this length.' }),
    workingHours: z.boolean().default(true).meta({ description: 'Slots lie in the working hours of those who named some.' }),
    buffers: z
      .strictObject({ beforeMinutes: minutes(240).default(0), afterMinutes: minutes(240).default(0) })
      .optional()
      .meta({ description: 'What has to be free around a slot.' }),
    quorum: z.int().min(1).max(50).optional().meta({ description: 'How many have to be free at least; everybody unless told otherwise.' }),
  })
  .refine(({ users, quorum }) => (quorum ?? 1) <= users.length, { path: ['quorum'], error: 'must not be more than there are users' })
  .meta({
    id: 'AvailabilityRequest',
    example: { users: ['ada', 'ben'], range: '2026-03-02/2026-03-07', durationMinutes: 30, buffers: { beforeMinutes: 10 }, quorum: 2 },
  });
export type AvailabilityRequest = z.output<typeof AvailabilityRequest>;

export const TeamAvailability = z
  .strictObject({
    range: Span,
    users: z.array(z.strictObject({ userId: z.string(), busy, unknown, unreadable })),
    slots: z
      .array(Span.extend({ free: z.array(z.string()).meta({ description: 'Who can come.' }) }))
      .nullable()
      .meta({ description: 'The most people first, then the earliest; at most 20, none overlapping. Null when no duration was given.' }),
  })
  .meta({
    id: 'TeamAvailability',
    example: {
      range: { start: '2026-03-02T00:00:00.000Z', end: '2026-03-07T00:00:00.000Z' },
      users: [
        { userId: 'ada', busy: [{ start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T10:30:00.000Z' }], unknown: [], unreadable: 0 },
        { userId: 'ben', busy: [], unknown: [{ start: '2026-03-06T00:00:00.000Z', end: '2026-03-07T00:00:00.000Z' }], unreadable: 1 },
      ],
      slots: [{ start: '2026-03-02T10:45:00.000Z', end: '2026-03-02T11:15:00.000Z', free: ['ada', 'ben'] }],
    },
  });
export type TeamAvailability = z.output<typeof TeamAvailability>;
