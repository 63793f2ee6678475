import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { availabilityOf, type Reading } from '../../src/availability/availability.js';
import { instant } from '../../src/kernel/clock.js';
import { interval, intervals, LAST, minutesOf } from '../support/minutes.js';

const range = { start: 10, end: LAST - 10 };
const spanOf = ({ start, end }: { start: number; end: number }) => ({ start: instant(start), end: instant(end) });
const fresh = (window: { start: number; end: number }): Reading => ({ state: 'fresh', window: spanOf(window), seriesWithin: null });
const everywhere = fresh({ start: 0, end: LAST });

const reading: fc.Arbitrary<Reading> = fc.record({
  state: fc.constantFrom('fresh', 'fresh', 'fresh', 'stale', 'syncing', 'failing', 'needs_reconnect'),
  window: fc.option(interval.map(spanOf)),
  seriesWithin: fc.option(interval.map(spanOf), { freq: 3 }),
});

const covers = ({ state, window, seriesWithin }: Reading, minute: number): boolean => {
  const told = seriesWithin ?? window;
  return state === 'fresh' && told !== null && minute >= Date.parse(told.start) && minute < Date.parse(told.end);
};

describe('When a person is busy, and when it is unknown', () => {
  it('is for every minute what their calendars say, and no minute is both', () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 4 }), intervals, (readings, taken) => {
        const found = availabilityOf(range, readings, taken);
        const minutes = Array.from({ length: range.end - range.start }, (_, minute) => range.start + minute);
        const busy = minutes.filter((minute) => minutesOf(taken).includes(minute));
        const open = minutes.filter((minute) => readings.length === 0 || readings.some((each) => !covers(each, minute)));
        expect(minutesOf(found.busy)).toEqual(busy);
        expect(minutesOf(found.unknown)).toEqual(open.filter((minute) => !busy.includes(minute)));
      }),
    );
  });

  it('is unknown throughout for who has no calendar', () => {
    expect(availabilityOf(range, [], [])).toEqual({ busy: [], unknown: [range] });
  });

  it.each(['stale', 'syncing', 'failing', 'needs_reconnect'] as const)(
    'is unknown, never free, where one of the calendars is %s',
    (state) => {
      const readings = [everywhere, { ...everywhere, state }];
      expect(availabilityOf(range, readings, [{ start: 20, end: 30 }])).toEqual({
        busy: [{ start: 20, end: 30 }],
        unknown: [
          { start: 10, end: 20 },
          { start: 30, end: 50 },
        ],
      });
    },
  );

  it('is unknown outside the window of any of the calendars', () => {
    const readings = [everywhere, fresh({ start: 0, end: 40 }), fresh({ start: 15, end: LAST })];
    expect(availabilityOf(range, readings, [])).toEqual({
      busy: [],
      unknown: [
        { start: 10, end: 15 },
        { start: 40, end: 50 },
      ],
    });
  });

  it('counts a meeting that is in several calendars once', () => {
    const taken = [20, 20, 25].map((start) => ({ start, end: start + 10 }));
    expect(availabilityOf(range, [everywhere], taken)).toEqual({ busy: [{ start: 20, end: 35 }], unknown: [] });
  });
});
