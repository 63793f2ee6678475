import { by, type HeldRows } from '../../kernel/held-data.js';

export const PROJECTION_DATA: readonly HeldRows[] = [{ table: 'set_aside', owners: [by('calendar')], onRevoke: 'removed' }];
