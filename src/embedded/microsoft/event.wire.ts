import { z } from 'zod';
import { ianaOf, type GraphBody, instantIn } from './event.js';
import { PATTERN_TYPES, WEEK_INDEXES, WEEKDAYS } from './pattern.js';

const Time = z.object({ dateTime: z.string().refine((text) => instantIn(text, 'UTC') !== null), timeZone: z.string().default('UTC') });

/** Graph takes a time in any zone it knows by a Windows or IANA name. */
const KnownTime = Time.refine(({ timeZone }) => ianaOf(timeZone) !== null);

const Weekday = z.enum(WEEKDAYS);

const Lower = z.string().transform((text) => text.charAt(0).toLowerCase() + text.slice(1));

const Recurrence = z.object({
  pattern: z.looseObject({
    type: Lower.pipe(z.enum(PATTERN_TYPES)),
    interval: z.int().positive().default(1),
    month: z.int().optional(),
    dayOfMonth: z.int().optional(),
    daysOfWeek: z.array(Lower.pipe(Weekday)).optional(),
    firstDayOfWeek: Lower.pipe(Weekday).optional(),
    index: Lower.pipe(z.enum(WEEK_INDEXES)).optional(),
  }),
  range: z.looseObject({
    type: Lower.pipe(z.enum(['endDate', 'noEnd', 'numbered'])),
    startDate: z.string(),
    endDate: z.string().optional(),
    numberOfOccurrences: z.int().optional(),
    recurrenceTimeZone: z.string().optional(),
  }),
});

const rest = { isAllDay: z.boolean().optional(), recurrence: Recurrence.nullable().optional() };

/** An event as a test puts it: Graph's event resource, with the key of its series, and zones no database knows. */
export const EventOrder: z.ZodType<GraphBody> = z.looseObject({
  start: Time.optional(),
  end: Time.optional(),
  seriesMasterId: z.string().optional(),
  originalStart: z.string().optional(),
  ...rest,
});

/** The body of `POST …/events`. */
export const NewEvent = z.looseObject({ start: KnownTime, end: KnownTime, ...rest });

/** The body of `PATCH …/events/{id}`. */
export const ChangedEvent = z.looseObject({ start: KnownTime.optional(), end: KnownTime.optional(), ...rest });
