import { by, type HeldRows } from '../../kernel/held-data.js';

export const REQUEST_DATA: readonly HeldRows[] = [
  {
    table: 'idempotency',
    owners: [by('user')],
    onRevoke: { keptBecause: 'a repeated request gets its first answer for a day; the answer is sealed under the key of the person' },
  },
  {
    table: 'stream_ticket',
    owners: [by('user')],
    onRevoke: { keptBecause: 'a ticket opens the stream of the person and is gone within minutes' },
  },
];
