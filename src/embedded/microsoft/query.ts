import { DAY } from '../../kernel/clock.js';
import { type Json } from '../json.js';
import { badQuery, refuse } from './answers.js';
import { instantIn } from './event.js';
import { type Range } from './series.js';

/** A number of the query, between two others; `usual` when it is left out. */
export const numberOf = (query: URLSearchParams, name: string, usual: number, [least, most]: readonly [number, number]): number => {
  const text = query.get(name);
  if (text === null) return usual;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  return value >= least && value <= most
    ? value
    : badQuery(`Invalid value '${text}' for ${name} query option found. The value must be between ${least} and ${most}.`);
};

/** The longest window of a calendar view. */
const MOST_DAYS = 1_825;

/** A parameter by its name, in upper or lower case. */
const anyCase = (query: URLSearchParams, name: string): string | null =>
  [...query].find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1] ?? null;

const boundOf = (query: URLSearchParams, name: string): number => {
  const text = anyCase(query, name);
  if (text === null)
    return refuse(
      400,
      'ErrorInvalidParameter',
      'This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.',
    );
  const seconds = instantIn(text, 'UTC');
  return seconds === null
    ? refuse(400, 'ErrorInvalidParameter', `The value '${text}' of parameter '${name}' is invalid.`)
    : seconds * 1_000;
};

/** The window a view is asked for; times without an offset are UTC. */
export const windowOf = (query: URLSearchParams): Range => {
  const range = { start: boundOf(query, 'startDateTime'), end: boundOf(query, 'endDateTime') };
  if (range.end < range.start) refuse(400, 'ErrorInvalidParameter', 'The end of the time window is before its start.');
  if (range.end - range.start > MOST_DAYS * DAY)
    refuse(
      400,
      'ErrorInvalidRequest',
      `The requested time duration between start and end dates is too big. Maximum number of days: ${MOST_DAYS}`,
    );
  return range;
};

/** What `$select` leaves of a row. */
export const selected = (row: Json, query: URLSearchParams): Json => {
  const select = query.get('$select');
  if (select === null || select === '*') return row;
  const names = new Set(['@odata.etag', 'id', ...select.split(',').map((name) => name.trim().split('/')[0] ?? '')]);
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name)));
};

/** What `calendarView/delta` does not go with. */
export const refuseWithDelta = (query: URLSearchParams): void => {
  const names = ['$select', '$filter', '$orderby', '$expand', '$search', '$top'];
  const found = names.filter((name) => query.has(name));
  if (found.length > 0)
    badQuery(`The following parameters are not supported with change tracking over the 'CalendarView' resource: '${found.join(', ')}'.`);
};
