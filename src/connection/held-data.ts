import { by, type HeldRows } from '../kernel/held-data.js';

export const CONNECTION_DATA: readonly HeldRows[] = [
  {
    table: 'connections',
    owners: [by('connection'), by('user')],
    onRevoke: { keptBecause: 'it records who consented to what and when it ended; the account name is removed' },
  },
  {
    table: 'connection_attempt',
    owners: [by('connection'), by('user')],
    onRevoke: {
      keptBecause: 'an attempt ends within ten minutes and is removed within hours; what it holds is sealed under the key of the person',
    },
  },
  { table: 'connection_state', owners: [by('connection'), by('user')], onRevoke: 'removed' },
];
