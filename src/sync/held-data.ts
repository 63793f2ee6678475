import { by, type HeldRows } from '../kernel/held-data.js';

export const SYNC_DATA: readonly HeldRows[] = [
  { table: 'sync_state', owners: [by('calendar'), by('connection'), by('user')], onRevoke: 'removed' },
  { table: 'sync_run', owners: [by('calendar'), by('user')], onRevoke: 'removed' },
  { table: 'remote_object', owners: [by('calendar')], onRevoke: 'removed' },
  {
    table: 'schedule_tombstones',
    owners: [by('connection')],
    onRevoke: { keptBecause: 'a calendar that is adopted after the revoke must never become due' },
  },
];
