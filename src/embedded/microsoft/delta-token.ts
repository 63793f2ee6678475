/** What a delta token stands for: a window (milliseconds) of a calendar as it was at a revision. */
export type DeltaPoint = Readonly<{ life: string; subject: string; era: number; revision: number; start: number; end: number }>;

const safe = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '.');
const unsafe = (text: string): string => text.replaceAll('-', '+').replaceAll('_', '/').replaceAll('.', '=');

export const deltaTokenOf = (point: DeltaPoint): string => safe(btoa(encodeURIComponent(JSON.stringify(point))));

/** Null when the token is none of this simulator's. */
export const deltaPointOf = (token: string): DeltaPoint | null => {
  try {
    const point = JSON.parse(decodeURIComponent(atob(unsafe(token)))) as Partial<DeltaPoint>;
    return typeof point.revision === 'number' && typeof point.life === 'string' ? (point as DeltaPoint) : null;
  } catch {
    return null;
  }
};
