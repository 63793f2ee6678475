import { z } from 'zod';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { type DeltaSynced, FEED } from './feed.js';

const at = z.iso.datetime();
const range = z.strictObject({ start: at, end: at });
const generation = z.int().positive();

const when = z.union([z.strictObject({ date: z.string() }), z.strictObject({ wall: z.string(), zone: z.string().nullable() })]);
const span = z.strictObject({ days: z.int(), seconds: z.int() });
const component = z.strictObject({
  recurrenceId: when.nullable(),
  thisAndFuture: z.boolean(),
  start: when,
  span,
  rules: z.array(z.string()),
  rdates: z.array(z.strictObject({ start: when, span: span.nullable() })),
  exdates: z.array(when),
  status: z.enum(['confirmed', 'tentative', 'cancelled']),
  busy: z.enum(['busy', 'tentative', 'needs-action', 'free']),
  private: z.boolean(),
  copy: z.string(),
});
const observance = z.strictObject({
  start: z.string(),
  offsetFrom: z.int(),
  offsetTo: z.int(),
  rule: z.string().nullable(),
  dates: z.array(z.string()),
});

const upsertV1 = z.strictObject({
  ref: z.string(),
  series: z.string(),
  changed: z.boolean(),
  hash: z.string(),
  components: z.array(component),
  zones: z.record(z.string(), z.array(observance)),
  sealed: z.string(),
});

const deltaV1 = z.strictObject({
  calendarId: z.uuid(),
  userId: z.string(),
  generation,
  window: range,
  upserts: z.array(upsertV1),
  removals: z.array(z.string()),
  kept: z.array(z.string()),
  final: z.boolean(),
  at,
});

const eventType = z.enum(['default', 'focus-time', 'out-of-office', 'working-location', 'birthday', 'from-mail', 'other']);
const upsertV2 = upsertV1.extend({ eventType, meeting: z.uuid().nullable(), problems: z.array(z.string()) });

export const feedSchemas = {
  'DeltaSynced.v1': deltaV1,
  'DeltaSynced.v2': deltaV1.extend({ upserts: z.array(upsertV2) }),
};

/** The first version was written while CalDAV, which knows one type of event, was the only provider and there were no meetings of ours. */
const liftV1 = ({ upserts, ...delta }: z.output<typeof deltaV1>): Omit<DeltaSynced, 'type'> => ({
  ...delta,
  upserts: upserts.map((upsert) => ({ ...upsert, eventType: 'default', meeting: null, problems: [] })),
});

export const feedCodec = codecOf<DeltaSynced, { DeltaSynced: 2 }>(feedSchemas, { 'DeltaSynced.v1': liftV1 });

export const feedFamily: EventFamily<DeltaSynced> = { category: FEED, codec: feedCodec };
