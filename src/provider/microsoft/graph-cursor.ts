import { type TimeRange } from '../../kernel/time-range.js';

/** Series whose details could not be had, by id, and how often that was tried. */
export type Pending = Readonly<{ series: readonly string[]; tries: number }>;

export const NOTHING_PENDING: Pending = { series: [], tries: 0 };

/** Where a scan ended. `link`: where the next delta round begins, under `/v1.0`; the window is sealed in it. */
export type Cursor = Readonly<{ link: string; window: TimeRange; pending: Pending }>;

/** A cursor stays short; what is too much to name is read again with the whole calendar, within a day. */
const MOST_PENDING = 500;

export const writeCursor = ({ link, window, pending }: Cursor): string =>
  JSON.stringify({ microsoft: 1, link, window, pending: { ...pending, series: pending.series.slice(0, MOST_PENDING) } });

type Read = Readonly<{
  microsoft?: unknown;
  link?: unknown;
  window?: Readonly<{ start?: unknown; end?: unknown }> | null;
  pending?: Readonly<{ series?: unknown; tries?: unknown }> | null;
}>;

/** Null when the text is no cursor of this form. */
export const readCursor = (text: string): Cursor | null => {
  try {
    const value = JSON.parse(text) as Read | null;
    if (value?.microsoft !== 1 || typeof value.link !== 'string' || !value.link.startsWith('/')) return null;
    const { start, end } = value.window ?? {};
    if (typeof start !== 'string' || typeof end !== 'string') return null;
    const { series, tries } = value.pending ?? {};
    const named = Array.isArray(series) ? series.filter((id) => typeof id === 'string') : [];
    return { link: value.link, window: { start, end }, pending: { series: named, tries: typeof tries === 'number' ? tries : 0 } };
  } catch {
    return null;
  }
};

/** Milliseconds after which details are asked for again: 15 seconds, doubling to ten minutes. */
export const askAgainIn = (tries: number): number => Math.min(15_000 * 2 ** Math.min(tries, 10), 600_000);
