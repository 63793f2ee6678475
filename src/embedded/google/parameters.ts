import { isIanaZone } from '../../time/time-zone.js';
import { invalid, refuse } from './answers.js';

/** A parameter that is `true` or `false`; null when it is left out. */
export const flagOf = (query: URLSearchParams, name: string): boolean | null => {
  const text = query.get(name);
  if (text === null) return null;
  return text === 'true' || text === 'false' ? text === 'true' : invalid(name);
};

/** A size of a page: at least one, and never more than the most there is. */
export const sizeOf = (query: URLSearchParams, usual: number, most: number): number => {
  const text = query.get('maxResults');
  if (text === null) return usual;
  const size = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return size > 0 ? Math.min(size, most) : invalid('maxResults');
};

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/** An RFC 3339 instant with an offset, in milliseconds; null when it is left out. */
export const instantOf = (text: string | null, name: string): number | null => {
  if (text === null) return null;
  const instant = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant)
    ? refuse(400, { reason: 'badRequest', message: 'Bad Request', location: { type: 'parameter', name } })
    : instant;
};

export const zoneOf = (query: URLSearchParams, usual: string): string => {
  const zone = query.get('timeZone');
  if (zone === null) return usual;
  return isIanaZone(zone) ? zone : invalid('timeZone');
};

/** What later pages must repeat: everything but which page it is and how long. */
export const repeatedOf = (query: URLSearchParams, subject: string): string => {
  const kept = [...query].filter(
    ([name]) => !['pageToken', 'maxResults', 'fields', 'prettyPrint', 'alt', 'key', 'quotaUser'].includes(name),
  );
  return JSON.stringify([subject, ...kept.sort(([a, x], [b, y]) => (a + x < b + y ? -1 : 1))]);
};
