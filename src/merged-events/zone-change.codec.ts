import { z } from 'zod';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { type ZoneRulesChanged } from './zone-change.js';

const ZoneName = z.string().min(1).max(64);

export const zonesSchemas = {
  'ZoneRulesChanged.v1': z.strictObject({
    version: z.string().regex(/^\d{4}[a-z]+$/),
    released: z.iso.date(),
    marks: z.record(ZoneName, z.string().regex(/^[0-9a-f]{8}$/)),
    changed: z.array(ZoneName).nullable(),
    at: z.iso.datetime(),
  }),
};

export const zonesCodec = codecOf<ZoneRulesChanged>(zonesSchemas);

export const zonesFamily: EventFamily<ZoneRulesChanged> = { category: 'zones', codec: zonesCodec };
