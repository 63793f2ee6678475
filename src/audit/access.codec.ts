import { z } from 'zod';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { ACCESS, type DataAccessed } from './access.js';

export const accessSchemas = {
  'DataAccessed.v1': z.strictObject({
    actor: z.string(),
    subject: z.string().nullable(),
    purpose: z.string(),
    route: z.string(),
    outcome: z.enum(['granted', 'refused']),
    at: z.iso.datetime(),
  }),
};

export const accessCodec = codecOf<DataAccessed>(accessSchemas);

export const accessFamily: EventFamily<DataAccessed> = { category: ACCESS, codec: accessCodec };
