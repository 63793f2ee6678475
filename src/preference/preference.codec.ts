import { z } from 'zod';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { type PreferenceEvent } from './preference.js';

export const preferenceSchemas = {
  'CalendarPreferenceSet.v1': z.strictObject({
    userId: z.string(),
    timeZone: z.string().nullable(),
    tentativeIsBusy: z.boolean(),
    externalChanges: z.enum(['accept', 'ask', 'restore']),
    sealed: z.string().nullable(),
    at: z.iso.datetime(),
  }),
};

export const preferenceCodec = codecOf<PreferenceEvent>(preferenceSchemas);

export const preferenceFamily: EventFamily<PreferenceEvent> = { category: 'preference', codec: preferenceCodec };
