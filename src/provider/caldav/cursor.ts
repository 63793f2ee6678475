/**
 * Where a scan ended, by the rung of the ladder it stood on: `sync` a sync token (RFC 6578), `list` the ctag before a listing of all
 * objects, `query` nothing, since a time-range query has no memory.
 */
export type Cursor =
  Readonly<{ rung: 'sync'; token: string }> | Readonly<{ rung: 'list'; ctag: string | null }> | Readonly<{ rung: 'query' }>;

export const writeCursor = (cursor: Cursor): string => JSON.stringify(cursor);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** Null when the text is no cursor of ours. */
export const readCursor = (text: string): Cursor | null => {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || !('rung' in value)) return null;
  if (value.rung === 'sync' && 'token' in value && typeof value.token === 'string') return { rung: 'sync', token: value.token };
  if (value.rung === 'list' && 'ctag' in value && (typeof value.ctag === 'string' || value.ctag === null))
    return { rung: 'list', ctag: value.ctag };
  return value.rung === 'query' ? { rung: 'query' } : null;
};
