import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';

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
