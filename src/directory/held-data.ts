import { by, type HeldRows } from '../kernel/held-data.js';

const IN_TEAMS = { keptBecause: 'people are in teams whether or not they have connections' };

export const DIRECTORY_DATA: readonly HeldRows[] = [
  { table: 'team_members', owners: [by('user')], onRevoke: IN_TEAMS },
  { table: 'directory_members', owners: [by('user')], onRevoke: IN_TEAMS },
];
