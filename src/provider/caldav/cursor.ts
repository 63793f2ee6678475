/** Where a scan ended, by the rung of the ladder it stood on. */
type Place = Readonly<{ rung: 'sync'; token: string }> | Readonly<{ rung: 'list'; ctag: string | null }> | Readonly<{ rung: 'query' }>;

/** What of the calendar goes with every rung. */
type Marks = Readonly<{
  /** Objects differ in nothing but the spelling of their addresses: each goes by its own. */
  exact?: boolean;
  /** Something listed was not to be had by the scan that ended here: the next one decides. */
  doubt?: boolean;
}>;

/**
 * Where a scan ended: `sync` a sync token (RFC 6578), `list` the ctag before a listing of all objects, `query` nothing, since a time-range
 * query has no memory.
 */
export type Cursor = Place & Marks;

/** A mark that is not set is left out. */
export const writeCursor = ({ exact, doubt, ...place }: Cursor): string =>
  JSON.stringify({ ...place, ...(exact === true ? { exact } : {}), ...(doubt === true ? { doubt } : {}) });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const placeIn = (value: object & Readonly<{ rung: unknown }>): Place | null => {
  if (value.rung === 'sync' && 'token' in value && typeof value.token === 'string') return { rung: 'sync', token: value.token };
  if (value.rung === 'list' && 'ctag' in value && (typeof value.ctag === 'string' || value.ctag === null))
    return { rung: 'list', ctag: value.ctag };
  return value.rung === 'query' ? { rung: 'query' } : null;
};

/** Null when the text is no cursor of ours. */
export const readCursor = (text: string): Cursor | null => {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || !('rung' in value)) return null;
  const place = placeIn(value);
  if (place === null) return null;
  const marks = { ...('exact' in value ? { exact: true } : {}), ...('doubt' in value ? { doubt: true } : {}) };
  return { ...place, ...marks };
};
