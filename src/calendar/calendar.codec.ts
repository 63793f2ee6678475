import { z } from 'zod';
import { PROVIDER_NAMES } from '../provider/names.js';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { UNWATCHED } from '../watch/unwatched.js';
import { type CalendarEvent } from './calendar.js';

const at = z.iso.datetime();
const range = z.strictObject({ start: at, end: at });
const generation = z.int().positive();

export const calendarSchemas = {
  'CalendarAdopted.v1': z.strictObject({
    connectionId: z.uuid(),
    userId: z.string(),
    provider: z.enum(PROVIDER_NAMES),
    writable: z.boolean(),
    busyOnly: z.boolean(),
    color: z.string().nullable(),
    timeZone: z.string().nullable(),
    sealed: z.string(),
    at,
  }),
  'CalendarDescribed.v1': z.strictObject({
    writable: z.boolean(),
    busyOnly: z.boolean(),
    color: z.string().nullable(),
    timeZone: z.string().nullable(),
    sealed: z.string(),
    at,
  }),
  'WriteToggled.v1': z.strictObject({ mode: z.enum(['read_only', 'write']), at }),
  'PrivacySet.v1': z.strictObject({ privacy: z.enum(['full', 'title_hidden', 'busy_only']), at }),
  'VisibilitySet.v1': z.strictObject({ visible: z.boolean(), at }),
  'GenerationStarted.v1': z.strictObject({
    generation,
    window: range,
    reason: z.enum(['first', 'cursor-expired', 'scheduled', 'requested', 'resumed', 'held']),
    at,
  }),
  'BaselineCompleted.v1': z.strictObject({ generation, objects: z.int().nonnegative(), at }),
  'SyncFailed.v1': z.strictObject({ fault: z.string(), at }),
  'SyncRecovered.v1': z.strictObject({ at }),
  'MassChangeHeld.v1': z.strictObject({ removals: z.int(), known: z.int(), at }),
  'WatchOpened.v1': z.strictObject({ at }),
  'WatchClosed.v1': z.strictObject({ reason: z.enum(UNWATCHED), at }),
  'FeedExpired.v1': z.strictObject({ generation, at }),
};

export const calendarCodec = codecOf<CalendarEvent>(calendarSchemas);

export const calendarFamily: EventFamily<CalendarEvent> = { category: 'calendar', codec: calendarCodec };
