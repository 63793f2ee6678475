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
