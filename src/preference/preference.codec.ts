import { z } from 'zod';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { DEFAULT_PREFERENCE, type PreferenceEvent } from './preference.js';

const setV1 = z.strictObject({
  userId: z.string(),
  timeZone: z.string().nullable(),
  tentativeIsBusy: z.boolean(),
  externalChanges: z.enum(['accept', 'ask', 'restore']),
  sealed: z.string().nullable(),
  at: z.iso.datetime(),
});

export const preferenceSchemas = {
  'CalendarPreferenceSet.v1': setV1,
  'CalendarPreferenceSet.v2': setV1.extend({ focusTimeIsBusy: z.boolean() }),
};

export const preferenceCodec = codecOf<PreferenceEvent, { CalendarPreferenceSet: 2 }>(preferenceSchemas, {
  'CalendarPreferenceSet.v1': (stored: z.output<typeof setV1>) => ({ ...stored, focusTimeIsBusy: DEFAULT_PREFERENCE.focusTimeIsBusy }),
});

export const preferenceFamily: EventFamily<PreferenceEvent> = { category: 'preference', codec: preferenceCodec };
