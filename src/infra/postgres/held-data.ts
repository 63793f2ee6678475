import { by, type HeldRows } from '../../kernel/held-data.js';

export const PROJECTION_DATA: readonly HeldRows[] = [{ table: 'set_aside', owners: [by('calendar')], onRevoke: 'removed' }];

export const TEAM_DATA: readonly HeldRows[] = [
  { table: 'team_members', owners: [by('user')], onRevoke: { keptBecause: 'people are in teams whether or not they have connections' } },
];
