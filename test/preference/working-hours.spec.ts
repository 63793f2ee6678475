import { describe, expect, it } from '@jest/globals';
import { isInOrder, minuteOf, ordered } from '../../src/preference/working-hours.js';

const interval = (text: string) => {
  const [start = '', end = ''] = text.split('-');
  return { start, end };
};

describe('Working hours', () => {
  it.each([
    ['00:00', 0],
    ['09:30', 570],
    ['24:00', 1_440],
    ['24:01', null],
    ['9:00', null],
    ['09:60', null],
  ])('read %j as minute %p of the day', (text, minute) => {
    expect(minuteOf(text)).toBe(minute);
  });

  it.each([[[]], [['09:00-17:00']], [['09:00-12:30', '12:30-17:00']], [['00:00-24:00']]])('may be %j', (intervals) => {
    expect(isInOrder(intervals.map(interval))).toBe(true);
  });

  it.each([[['17:00-09:00']], [['09:00-09:00']], [['09:00-13:00', '12:00-17:00']], [['13:00-17:00', '09:00-12:00']], [['nine-five']]])(
    'may not be %j',
    (intervals) => {
      expect(isInOrder(intervals.map(interval))).toBe(false);
    },
  );

  it('read the same in any order of the days', () => {
    const [nine, ten] = [[interval('09:00-17:00')], [interval('10:00-16:00')]];
    expect(JSON.stringify(ordered({ friday: ten, tuesday: [], monday: nine }))).toBe(
      JSON.stringify(ordered({ monday: nine, friday: ten })),
    );
  });
});
