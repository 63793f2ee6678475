import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { ProviderName } from '../provider/provider.contract.js';
import { WATCH_MODES } from '../provider/abilities.js';
import { FRESH, FreshnessView } from '../sync/freshness.contract.js';

export const ModeName = z.enum(['read_only', 'write']).meta({ id: 'Mode', description: 'Whether Juy may write to the calendar.' });

export const PrivacyName = z
  .enum(['full', 'title_hidden', 'busy_only'])
  .meta({ id: 'Privacy', description: 'What others may be told of the events of a calendar; its owner always sees everything.' });

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
  sync: FRESH,
  watch: { mode: 'polled', code: null, reason: null },
} as const;

/** How changes of a calendar become known. */
const WatchView = z
  .strictObject({
    mode: z.enum(WATCH_MODES).meta({
      description:
        'pushed: its service tells of changes; polled: it is read again and again; unwatchable: its service tells of no changes in this calendar, which is read about once a day.',
    }),
    code: z.string().nullable().meta({ description: 'Stable code of why a calendar whose service tells of changes is not pushed.' }),
    reason: z.string().nullable().meta({ description: 'The same in plain words.' }),
  })
  .meta({ id: 'Watch' });

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
    watch: WatchView.nullable().meta({ description: 'How its changes become known; null while it is not synced.' }),
  })
  .meta({ id: 'Calendar', example: work });
export type CalendarView = z.output<typeof CalendarView>;

export const CalendarList = z
  .strictObject({ items: z.array(CalendarView), nextCursor: z.string().nullable() })
  .meta({ id: 'CalendarList', example: { items: [work], nextCursor: null } });
