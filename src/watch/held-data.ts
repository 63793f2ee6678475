import { by, type HeldRows } from '../kernel/held-data.js';

export const WATCH_DATA: readonly HeldRows[] = [
  { table: 'watch_state', owners: [by('calendar'), by('connection'), by('user')], onRevoke: 'removed' },
  { table: 'watch_channel', owners: [by('calendar'), by('connection'), by('user')], onRevoke: 'removed' },
];
