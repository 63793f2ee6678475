import { by, type HeldRows } from '../kernel/held-data.js';

export const CALENDAR_DATA: readonly HeldRows[] = [
  { table: 'calendars', owners: [by('calendar'), by('connection'), by('user')], onRevoke: 'removed' },
  {
    table: 'calendar_tombstones',
    owners: [by('connection')],
    onRevoke: { keptBecause: 'a calendar that is adopted after the revoke must not become a row' },
  },
];
