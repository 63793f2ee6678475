/** Where the last reading of a calendar ended, and by which mapping what it brought was read; null where that was not written down. */
export type SyncCursor = Readonly<{ mapping: number | null; cursor: string }>;

export const writeSyncCursor = ({ mapping, cursor }: SyncCursor): string => JSON.stringify([mapping, cursor]);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** A text of another form is the provider's cursor alone, as the first release stored it. */
export const readSyncCursor = (text: string): SyncCursor => {
  const value = parsed(text);
  const [mapping, cursor, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const isMapping = mapping === null || typeof mapping === 'number';
  return isMapping && typeof cursor === 'string' && more.length === 0 ? { mapping, cursor } : { mapping: null, cursor: text };
};
