import { by, type HeldRows } from '../../kernel/held-data.js';

export const VAULT_DATA: readonly HeldRows[] = [
  { table: 'vault', owners: [by('connection'), by('user')], onRevoke: 'removed' },
  {
    table: 'vault',
    owners: [by('connection', 'name', 'connection:'), by('user', 'name', 'subject:')],
    onRevoke: { keptBecause: 'the name of a destroyed key stays, without the key, because that key must never be made again' },
  },
  { table: 'grant_renewal', owners: [by('connection')], onRevoke: 'removed' },
];
