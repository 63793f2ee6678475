import { by, type HeldRows } from '../../kernel/held-data.js';

export const LOG_DATA: readonly HeldRows[] = [
  {
    table: 'log_chunk',
    owners: [by('calendar', 'stream', 'feed-')],
    onRevoke: { keptBecause: 'the sizes of hidden chunks tell when a scavenge is due; a scavenge removes chunks and rows' },
  },
];
