import { z } from 'zod';
import { type DocumentedTopic } from '../../src/infra/http/asyncapi.document.js';

const Moment = z.iso.datetime({ offset: true }).meta({ id: 'SmallMoment' });

const envelope = (type: string, data: z.ZodType) =>
  z.strictObject({
    specversion: z.literal('1.0'),
    id: z.uuid().describe('The same in each delivery.'),
    source: z.literal('juy/calendar'),
    type: z.literal(type),
    subject: z.uuid(),
    time: Moment,
    datacontenttype: z.literal('application/json'),
    data,
  });

const around = (type: string, data: unknown) => ({
  specversion: '1.0',
  id: '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b',
  source: 'juy/calendar',
  type,
  subject: '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10',
  time: '2026-11-27T09:00:00.000Z',
  datacontenttype: 'application/json',
  data,
});

const OPENED = 'test.door.opened.v1';
const WALKED = 'test.door.walked.v1';

/** A topic that is read and one that is written, with what a schema can hold: an object beside null, a list, an enumeration, a named part, HTML in a text. */
export const SMALL_TOPICS: readonly DocumentedTopic[] = [
  {
    topic: 'test.doors.v1',
    kind: 'public',
    summary: 'What happens to doors; see `opened`.',
    key: 'door id',
    partitions: 6,
    retention: 31 * 86_400_000,
    messages: [
      {
        type: OPENED,
        summary: 'A door <was> opened.',
        schema: envelope(
          OPENED,
          z.strictObject({
            doorId: z.uuid(),
            by: z
              .strictObject({ kind: z.enum(['person', 'wind']), since: Moment })
              .nullable()
              .describe('Null: it was not seen.'),
            keys: z.array(z.strictObject({ name: z.string() })),
            note: z.string().optional(),
          }),
        ),
        example: around(OPENED, {
          doorId: '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10',
          by: { kind: 'wind', since: '2026-11-27T08:00:00.000Z' },
          keys: [],
        }),
      },
    ],
  },
  {
    topic: 'test.people.v1',
    kind: 'incoming',
    summary: 'Who may open doors.',
    key: 'person id',
    partitions: 3,
    retention: 'compacted',
    messages: [
      {
        type: WALKED,
        summary: 'Somebody walked.',
        schema: envelope(WALKED, z.strictObject({ steps: z.int() })),
        example: around(WALKED, { steps: 3 }),
      },
    ],
  },
];
