import { by, type HeldRows } from '../../kernel/held-data.js';

export const BROKER_DATA: readonly HeldRows[] = [
  {
    table: 'broker_message',
    owners: [by('user', 'key', 'member:')],
    onRevoke: { keptBecause: 'a message tells ids only, and is removed a day after it was read' },
  },
];
