import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { ProviderName } from '../provider/provider.contract.js';
import { ReturnTo } from '../connection/connection.contract.js';
import { ModeName, PrivacyName } from '../calendar/calendar.contract.js';
import { isInOrder } from './working-hours.js';

/** A time of day, as `minuteOf` reads it. */
export const TimeOfDay = z.string().meta({ pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$', example: '09:00' });

const DayInterval = z.strictObject({
  start: TimeOfDay,
  end: TimeOfDay.meta({ example: '17:30', description: 'Exclusive; 24:00 ends the day.' }),
});

const Day = z
  .array(DayInterval)
  .max(12)
  .refine(isInOrder, { error: 'must be times such as 09:00, in order, each interval ending after it starts' })
  .meta({ description: 'In order of the day: each interval ends after it starts, and the next starts at that time or later.' })
  .optional();

const WorkingHoursView = z
  .strictObject({ monday: Day, tuesday: Day, wednesday: Day, thursday: Day, friday: Day, saturday: Day, sunday: Day })
  .meta({
    id: 'WorkingHours',
    description: 'By weekday, on the wall clock of `timeZone`; a day that is not named is not worked.',
    example: {
      monday: [
        { start: '09:00', end: '12:30' },
        { start: '13:30', end: '17:30' },
      ],
      friday: [{ start: '09:00', end: '13:00' }],
    },
  });

const ExternalChanges = z
  .enum(['accept', 'ask', 'restore'])
  .meta({ description: 'What happens to a meeting of Juy that was moved or cancelled in an outside calendar.' });

const timeZone = z.string().max(64).nullable().meta({
  description: 'IANA name; where all-day and floating events of calendars without a zone of their own are placed. null: UTC.',
  example: 'Europe/Paris',
});

const focusTimeIsBusy = z.boolean().meta({
  description: 'Whether focus time (a type of event in Google calendars) takes up time. Where its calendar marks it as free it never does.',
});

const CalendarSettings = z
  .strictObject({
    calendarId: z.uuid(),
    connectionId: z.uuid(),
    provider: ProviderName,
    name: z.string(),
    mode: ModeName,
    privacy: PrivacyName,
    visible: z.boolean().meta({ description: 'Whether its events are shown, and count as busy.' }),
    writable: z.boolean(),
    adopted: z.boolean().meta({ description: 'false: found after connecting and not synced; showing it begins that.' }),
  })
  .meta({ id: 'CalendarSettings' });

export const SettingsView = z
  .strictObject({
    calendars: z.array(CalendarSettings),
    timeZone,
    workingHours: WorkingHoursView.nullable(),
    tentativeIsBusy: z.boolean().meta({ description: 'Whether tentative and unanswered invitations take up time.' }),
    focusTimeIsBusy,
    externalChanges: ExternalChanges,
  })
  .meta({
    id: 'Settings',
    example: {
      calendars: [
        {
          calendarId: EXAMPLE.calendarId,
          connectionId: EXAMPLE.connectionId,
          provider: 'caldav',
          name: 'Work',
          mode: 'read_only',
          privacy: 'busy_only',
          visible: true,
          writable: true,
          adopted: true,
        },
      ],
      timeZone: 'Europe/Paris',
      workingHours: { monday: [{ start: '09:00', end: '17:30' }] },
      tentativeIsBusy: true,
      focusTimeIsBusy: true,
      externalChanges: 'accept',
    },
  });
export type SettingsView = z.output<typeof SettingsView>;

const CalendarChange = z.strictObject({
  calendarId: z.uuid(),
  mode: ModeName.optional(),
  privacy: PrivacyName.optional(),
  visible: z.boolean().optional(),
});

export const SettingsChange = z
  .strictObject({
    calendars: z
      .array(CalendarChange)
      .max(100)
      .refine((changes) => new Set(changes.map(({ calendarId }) => calendarId)).size === changes.length, {
        error: 'must name each calendar once',
      })
      .optional(),
    timeZone: timeZone.optional(),
    workingHours: WorkingHoursView.nullable().optional(),
    tentativeIsBusy: z.boolean().optional(),
    focusTimeIsBusy: focusTimeIsBusy.optional(),
    externalChanges: ExternalChanges.optional(),
    returnTo: ReturnTo.optional(),
  })
  .meta({
    id: 'SettingsChange',
    description: 'What is not named stays as it is. All of it is checked before any of it is done.',
    example: {
      calendars: [{ calendarId: EXAMPLE.calendarId, visible: false }],
      timeZone: 'Europe/Paris',
      tentativeIsBusy: false,
    },
  });
export type SettingsChange = z.output<typeof SettingsChange>;
