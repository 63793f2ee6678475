import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Refused } from '../../src/kernel/refused.js';
import { readCursor, writeCursor } from '../../src/merged-events/event-cursor.js';

const calendarId = '0c9d5a52-6f0e-4b3e-8a67-2f1d5e7b9c34';
const series = 'Zm9vYmFyYmF6cXV4LV8';
const of = (...parts: readonly string[]): string => parts.join('~');

const starts = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('T', ' ').replace('Z', '+00'));
const originals = fc.constantFrom('', '2026-03-01', '2026-03-01T10:00:00.000Z');

describe('A cursor', () => {
  it('gives back where the page ended', () => {
    const series = fc.stringMatching(/^[A-Za-z0-9_-]{22}$/);
    fc.assert(
      fc.property(fc.record({ start: starts, calendarId: fc.uuid(), series, original: originals }), (cursor) => {
        expect(readCursor(writeCursor(cursor))).toEqual(cursor);
        expect(readCursor(decodeURIComponent(writeCursor(cursor)))).toEqual(cursor);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no cursor', 'yesterday'],
    ['broken escapes', '%E0%A4%A'],
    ['a time that Postgres does not write', of('1', calendarId, series, '')],
    ['a day that does not exist', of('2026-13-01 00:00:00+00', calendarId, series, '')],
    ['a day that its month does not have', of('2026-02-30 00:00:00+00', calendarId, series, '')],
    ['the year 0, which no database has', of('0000-03-01 00:00:00+00', calendarId, series, '')],
    ['an hour that no clock shows', of('2026-03-01 24:00:00+00', calendarId, series, '')],
    ['no calendar id', of('2026-03-01 10:00:00+00', 'mine', series, '')],
    ['a part too many', of('2026-03-01 10:00:00+00', calendarId, series, '', '')],
    ['what no database takes', of('2026-03-01 10:00:00+00', calendarId, 'a\u0000b', '')],
  ])('is refused when it holds %s', (_, text) => {
    expect(() => readCursor(text)).toThrow(new Refused('cursor.invalid', 400));
  });

  it('is read or refused, and never fails on any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readCursor(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
        }
      }),
    );
  });
});
