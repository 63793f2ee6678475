import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { AUDIT_TYPE, type AuditMessage } from './audit-messages.js';
import { type DataSchemas, messagesOf, type TopicContract } from './cloud-event.contract.js';

const schemas: DataSchemas<Readonly<{ recorded: AuditMessage }>> = {
  recorded: {
    summary: 'An event was appended to the service’s log.',
    data: z.strictObject({
      eventId: z.guid(),
      stream: z.strictObject({ category: z.string(), id: z.string() }).describe('What the event belongs to.'),
      type: z.string().describe('The stored name of the event with its version, such as `WriteToggled.v1`. More may come.'),
      actor: z.string().nullable().describe('The id of the user who caused it, or `system:` and a role.'),
      subject: z
        .string()
        .nullable()
        .describe('The id of the person whose data it is about; null where its writer did not say, or it is about several.'),
      via: z.string().nullable().describe('The route or the role it came by, such as `PATCH /v1/calendar/settings`.'),
      at: z.iso.datetime().describe('When the log took it.'),
      commandId: z.string().nullable(),
      correlationId: z.string().nullable().describe('The same for all that one request or piece of work led to.'),
      purpose: z.string().nullable().describe('Of a `DataAccessed` what the data was asked for; else null.'),
      outcome: z.enum(['granted', 'refused']).nullable().describe('Of a `DataAccessed`; else null.'),
    }),
    example: {
      eventId: 'b3f1c3a2-6a0e-4d5b-9c4e-1f2a3b4c5d6e',
      stream: { category: 'calendar', id: EXAMPLE.calendarId },
      ...{
        type: 'WriteToggled.v1',
        actor: 'u-2041',
        subject: 'u-2041',
        via: 'PATCH /v1/calendar/settings',
        at: '2026-03-01T08:15:02.311Z',
      },
      commandId: '1d0f6f3e-0f6e-4b6a-8f0a-5b1f0c9d2e11',
      correlationId: '7c9a2a52-9d5e-4c8b-b1a4-0f8f5d2c6b10',
      ...{ purpose: null, outcome: null },
    },
  },
};

export const AUDIT_TOPIC = 'juy.calendar.audit.v1';

export const AUDIT: TopicContract = {
  topic: AUDIT_TOPIC,
  summary: 'Who did what, by which way, to whose data: one message for each event of the service’s log, without what stands in it.',
  messages: messagesOf(
    schemas,
    () => AUDIT_TYPE,
    ({ subject, actor, stream }) => subject ?? actor ?? stream.category,
  ),
};
