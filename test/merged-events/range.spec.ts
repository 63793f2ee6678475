import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Refused } from '../../src/kernel/refused.js';
import { rangeOf } from '../../src/merged-events/range.js';

const DAY = 86_400_000;
const from = Date.parse('0001-01-01T00:00:00Z');
const to = Date.parse('9998-01-01T00:00:00Z');

describe('A range', () => {
  it('is two dates, which mean midnight in UTC', () => {
    expect(rangeOf('2026-03-01/2026-04-01')).toEqual({ start: '2026-03-01T00:00:00.000Z', end: '2026-04-01T00:00:00.000Z' });
  });

  it('is two times with their offset, also where a plus sign has become a blank', () => {
    const expected = { start: '2026-02-28T23:00:00.000Z', end: '2026-03-01T12:30:00.000Z' };
    expect(rangeOf('2026-03-01T00:00+01:00/2026-03-01T12:30:00.000Z')).toEqual(expected);
    expect(rangeOf('2026-03-01T00:00 01:00/2026-03-01T12:30:00Z')).toEqual(expected);
  });

  it('reads any two instants up to 400 days apart as they are', () => {
    fc.assert(
      fc.property(fc.integer({ min: from, max: to }), fc.integer({ min: 1, max: 400 * DAY }), (start, length) => {
        const range = { start: new Date(start).toISOString(), end: new Date(start + length).toISOString() };
        expect(rangeOf(`${range.start}/${range.end}`)).toEqual(range);
      }),
    );
  });

  it.each([
    ['is no interval', '2026-03-01'],
    ['has three ends', '2026-03-01/2026-03-02/2026-03-03'],
    ['is empty', '2026-03-01/2026-03-01'],
    ['ends before it starts', '2026-03-02/2026-03-01'],
    ['spans more than 400 days', '2026-01-01/2027-02-06'],
    ['names a day that is in no month', '2026-02-30/2026-03-05'],
    ['names an hour that no day has', '2026-03-01T24:00:00Z/2026-03-05'],
    ['has a time without an offset', '2026-03-01T10:00:00/2026-03-05'],
    ['has an offset that no place has', '2026-03-01T10:00:00+99:99/2026-03-05'],
    ['lies before the year 1', '0000-12-01/0000-12-31'],
    ['reaches beyond the year 9999', '9999-12-31T00:00:00Z/9999-12-31T23:59:59-10:00'],
    ['is a duration', 'P1M/2026-03-01'],
  ])('is refused when it %s', (_, text) => {
    expect(() => rangeOf(text)).toThrow(new Refused('range.invalid', 400));
  });

  it('is read or refused, and never fails on any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (start, end) => {
        try {
          rangeOf(`${start}/${end}`);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
        }
      }),
    );
  });
});
