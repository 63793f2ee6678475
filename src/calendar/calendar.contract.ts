import { z } from 'zod';
import { EXAMPLE, FreshnessView, ModeName, PrivacyName, ProviderName } from '../infra/http/contract.zod.js';

const work = {
  calendarId: EXAMPLE.calendarId,
  connectionId: EXAMPLE.connectionId,
  provider: 'caldav',
  name: 'Work',
  color: '#1f6feb',
  timeZone: 'Europe/Paris',
  mode: 'read_only',
  privacy: 'busy_only',
  visible: true,
  writable: true,
  adopted: true,
  sync: EXAMPLE.fresh,
} as const;

export const CalendarView = z
  .strictObject({
    calendarId: z.uuid(),
    connectionId: z.uuid(),
    provider: ProviderName,
    name: z.string(),
    color: z.string().nullable(),
    timeZone: z.string().nullable(),
    mode: ModeName,
    privacy: PrivacyName,
    visible: z.boolean().meta({ description: 'Whether its events are shown, and count as busy.' }),
    writable: z.boolean(),
    adopted: z.boolean().meta({ description: 'Whether it is synced; a calendar found after connecting is only listed until it is shown.' }),
    sync: FreshnessView.nullable(),
  })
  .meta({ id: 'Calendar', example: work });
export type CalendarView = z.output<typeof CalendarView>;

export const CalendarList = z
  .strictObject({ items: z.array(CalendarView), nextCursor: z.string().nullable() })
  .meta({ id: 'CalendarList', example: { items: [work], nextCursor: null } });

export const SyncRequest = z
  .strictObject({
    connectionId: z.uuid().optional(),
    calendarId: z.uuid().optional(),
    full: z.boolean().default(false).meta({ description: 'Read everything again instead of what changed.' }),
  })
  .meta({ id: 'SyncRequest', example: { calendarId: EXAMPLE.calendarId } });

const syncId = 'c1d0a7c4-0c39-4d0a-8d50-6f3e9b1b2f77';

export const SyncStarted = z.strictObject({ syncId: z.uuid() }).meta({ id: 'SyncStarted', example: { syncId } });

const RunState = z.enum(['queued', 'running', 'done', 'failed']);

export const SyncView = z
  .strictObject({
    syncId: z.uuid(),
    state: RunState.meta({ description: '`done`: what was read can be read here.' }),
    done: z.int().meta({ description: 'Objects read so far.' }),
    expected: z.int().nullable().meta({ description: 'Objects to read, as soon as the server has told.' }),
    calendars: z.array(
      z.strictObject({ calendarId: z.uuid(), state: RunState, done: z.int(), expected: z.int().nullable(), reason: z.string().nullable() }),
    ),
  })
  .meta({
    id: 'Sync',
    example: {
      syncId,
      state: 'running',
      done: 120,
      expected: 450,
      calendars: [{ calendarId: EXAMPLE.calendarId, state: 'running', done: 120, expected: 450, reason: null }],
    },
  });
export type SyncView = z.output<typeof SyncView>;
