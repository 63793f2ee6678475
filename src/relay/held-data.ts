import { by, type HeldRows } from '../kernel/held-data.js';

export const RELAY_DATA: readonly HeldRows[] = [
  {
    table: 'telling',
    owners: [by('calendar'), by('user')],
    onRevoke: { keptBecause: 'the relay removes its row when it publishes that the calendar is gone' },
  },
];
