/** What a sync token stands for. `era`: of the calendar, when it was given; `sticky`: the parameters it goes on with. */
export type SyncPoint = Readonly<{ life: string; subject: string; era: number; revision: number; sticky: Sticky }>;

/** Parameters that an incremental request repeats, or that the first one settles. */
export type Sticky = Readonly<{ singleEvents: boolean; timeMin: string | null; timeMax: string | null; eventTypes: readonly string[] }>;

export const syncTokenOf = (point: SyncPoint): string => btoa(encodeURIComponent(JSON.stringify(point)));

/** Null when the token is none of this simulator's. */
export const syncPointOf = (token: string): SyncPoint | null => {
  try {
    const point = JSON.parse(decodeURIComponent(atob(token))) as Partial<SyncPoint>;
    return typeof point.revision === 'number' && typeof point.life === 'string' && point.sticky !== undefined ? (point as SyncPoint) : null;
  } catch {
    return null;
  }
};
