import { by, type HeldRows } from '../kernel/held-data.js';

export const MERGED_EVENT_DATA: readonly HeldRows[] = [
  { table: 'event_calendars', owners: [by('calendar'), by('connection'), by('user')], onRevoke: 'removed' },
  { table: 'event_contents', owners: [by('calendar')], onRevoke: 'removed' },
  { table: 'event_series', owners: [by('calendar')], onRevoke: 'removed' },
  { table: 'user_calendar_events', owners: [by('calendar'), by('user')], onRevoke: 'removed' },
  {
    table: 'changes',
    owners: [by('calendar'), by('connection'), by('user')],
    onRevoke: {
      keptBecause: 'readers of the change feed must learn that calendar and connection are gone; what was told of events is removed',
    },
  },
  {
    table: 'placement',
    owners: [by('calendar'), by('user')],
    onRevoke: { keptBecause: 'the placement worker removes its row when it finds the calendar gone' },
  },
  {
    table: 'event_tombstones',
    owners: [by('connection')],
    onRevoke: { keptBecause: 'a calendar that is adopted after the revoke must not become a row' },
  },
  { table: 'event_people', owners: [by('user')], onRevoke: { keptBecause: 'the time zone is the choice of the person for all calendars' } },
];
