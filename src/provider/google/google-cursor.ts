/**
 * Where a scan ended. `token`: Google's sync token. `apart`: ids of the series of which instances are held that differ from them and are stored apart;
 * null when there are too many to name.
 */
export type Cursor = Readonly<{ token: string; apart: readonly string[] | null }>;

/** A cursor stays short: a series has an id of 26 letters, seldom more. */
const MOST_APART = 1_000;

export const writeCursor = (token: string, apart: ReadonlySet<string> | null): string =>
  JSON.stringify({ google: 1, token, apart: apart === null || apart.size > MOST_APART ? null : [...apart] });

const namesIn = (value: unknown): readonly string[] | null =>
  Array.isArray(value) ? value.filter((name) => typeof name === 'string') : null;

/** Null when the text is no cursor of this form. */
export const readCursor = (text: string): Cursor | null => {
  try {
    const value = JSON.parse(text) as Readonly<{ google?: unknown; token?: unknown; apart?: unknown }> | null;
    if (value?.google !== 1 || typeof value.token !== 'string' || value.token === '') return null;
    return { token: value.token, apart: namesIn(value.apart) };
  } catch {
    return null;
  }
};
