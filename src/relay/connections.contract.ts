import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { type DataSchemas, messagesOf, type TopicContract } from './cloud-event.contract.js';
import { type ConnectionMessages, type ConnectionMessageType } from './connection-messages.js';

const code = z.string().describe('A stable code such as `access-revoked`. More may come; `other` is one of no name.');
const access = z.enum(['read', 'write']).describe('What its owner granted.');
const mode = z.enum(['read_only', 'write']).describe('Whether its owner lets Juy write to it.');
const privacy = z.enum(['full', 'title_hidden', 'busy_only']).describe('What others may be told of its events.');
const visible = z.boolean().describe('A hidden calendar is in no view of its owner, and its events take up no time.');
const writable = z.boolean().describe('Whether the account may write to it.');
const busyOnly = z.boolean().describe('Its account tells when it is busy and nothing else.');

const whose = z.strictObject({ userId: z.string(), connectionId: z.uuid() });
const ofCalendar = whose.extend({ calendarId: z.uuid() });

const { connectionId, calendarId } = EXAMPLE;
const ours = { userId: 'u-2041', connectionId };
const calendars = { ...ours, calendarId };

const schemas: DataSchemas<ConnectionMessages> = {
  connected: {
    summary: 'Somebody has connected an account.',
    data: whose.extend({ provider: z.string().describe('`google`, `microsoft`, `apple`, `caldav`; more may come.'), access }),
    example: { ...ours, provider: 'caldav', access: 'read' },
  },
  reauthorized: { summary: 'Its account has been proved again, by new credentials or by what it holds.', data: whose, example: ours },
  'access-granted': {
    summary: 'Its owner has granted more, or less.',
    data: whose.extend({ access }),
    example: { ...ours, access: 'write' },
  },
  failing: {
    summary: 'Its account cannot be read now.',
    data: whose.extend({
      code,
      needsReconnect: z.boolean().describe('Only its owner can mend it, by connecting again.'),
      notice: z
        .boolean()
        .optional()
        .describe('Its owner is to be told by a message. That an organisation asks for a new sign-in is told once a week at most.'),
    }),
    example: { ...ours, code: 'access-revoked', needsReconnect: true, notice: true },
  },
  recovered: { summary: 'Its account can be read again.', data: whose, example: ours },
  revoked: {
    summary: 'It has ended. What is held of its calendars is to be dropped.',
    data: whose.extend({
      calendarIds: z.array(z.uuid()).describe('Every calendar its account was found to hold, also those never adopted.'),
    }),
    example: { ...ours, calendarIds: [calendarId] },
  },
  purged: { summary: 'The service has removed what it held of it.', data: whose, example: ours },
  'calendar-adopted': {
    summary: 'A calendar of the account is read from now on.',
    data: ofCalendar.extend({ writable, busyOnly, mode, privacy, visible }),
    example: { ...calendars, writable: true, busyOnly: false, mode: 'read_only', privacy: 'busy_only', visible: true },
  },
  'calendar-described': {
    summary: 'Its account describes the calendar otherwise, perhaps only by another name or colour.',
    data: ofCalendar.extend({ writable, busyOnly }),
    example: { ...calendars, writable: false, busyOnly: false },
  },
  'write-toggled': {
    summary: 'Juy may write to it, or no longer may.',
    data: ofCalendar.extend({ mode }),
    example: { ...calendars, mode: 'write' },
  },
  'privacy-set': {
    summary: 'Its owner has chosen what others are told.',
    data: ofCalendar.extend({ privacy }),
    example: { ...calendars, privacy: 'title_hidden' },
  },
  'visibility-set': {
    summary: 'Its owner has hidden it, or shows it again.',
    data: ofCalendar.extend({ visible }),
    example: { ...calendars, visible: false },
  },
  'sync-failed': {
    summary: 'The calendar cannot be read now.',
    data: ofCalendar.extend({ code }),
    example: { ...calendars, code: 'unavailable' },
  },
  'sync-recovered': { summary: 'The calendar can be read again.', data: ofCalendar, example: calendars },
};

export const CONNECTIONS_TOPIC = 'juy.calendar.connections.v1';

export const CONNECTIONS: TopicContract = {
  topic: CONNECTIONS_TOPIC,
  summary: 'What becomes of connected accounts and of their calendars, in the order in which it happened to each connection.',
  messages: messagesOf(
    schemas,
    (name) => `juy.calendar.connections.${name}.v1` satisfies ConnectionMessageType,
    (data) => data.connectionId,
  ),
};
