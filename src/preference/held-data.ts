import { by, type HeldRows } from '../kernel/held-data.js';

export const PREFERENCE_DATA: readonly HeldRows[] = [
  { table: 'preferences', owners: [by('user')], onRevoke: { keptBecause: 'a person chooses for all calendars, not for a connection' } },
];
