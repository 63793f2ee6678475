import { parseWall } from '../time/civil.js';
import { Refused } from '../kernel/refused.js';

/** Where a page ended: the sort key of its last occurrence. */
export type EventCursor = Readonly<{ start: string; calendarId: string; series: string; original: string }>;

/** What Postgres writes for an instant in UTC; a cursor it could not read must be refused here. */
const START = /^\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?\+00$/;

/** Whether there is such a moment: a database refuses 30 February and the year 0, which `Date.parse` takes. */
const isMoment = (start: string): boolean => START.test(start) && parseWall(start.slice(0, 19).replace(' ', 'T')) !== null;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MARK = /^[\w-]{1,64}$/;
const ORIGINAL = /^[\dTZ:.-]{0,40}(_[\w-]{1,64})?$/;

const refused = (): Refused => new Refused('cursor.invalid', 400, 'This cursor is not one of this route: start again without it.');

/** Opaque to clients; nothing personal is in it. */
export const writeCursor = ({ start, calendarId, series, original }: EventCursor): string =>
  encodeURIComponent([start, calendarId, series, original].join('~'));

export const readCursor = (text: string): EventCursor => {
  let parts: string[];
  try {
    parts = decodeURIComponent(text).split('~');
  } catch {
    throw refused();
  }
  const [start, calendarId, series, original, ...rest] = parts;
  const known = start !== undefined && calendarId !== undefined && series !== undefined && original !== undefined && rest.length === 0;
  if (!known || !isMoment(start) || !UUID.test(calendarId)) throw refused();
  if (!MARK.test(series) || !ORIGINAL.test(original)) throw refused();
  return { start, calendarId, series, original };
};
