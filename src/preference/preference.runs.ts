import { preferences } from './preferences.projection.js';

/** What this slice runs besides answering requests. */
export const preferenceRuns = { projection: preferences } as const;
