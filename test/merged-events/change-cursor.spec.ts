import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DAY } from '../../src/kernel/clock.js';
import { type ChangeCursor, readChangeCursor, writeChangeCursor } from '../../src/merged-events/changes/change-cursor.js';

const NOW = Date.parse('2026-11-22T10:00:00Z');

describe('The cursor of the change feed', () => {
  it('gives back how far its reader had come', () => {
    const cursors = fc.record({
      position: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      part: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      at: fc.integer({ min: NOW - 30 * DAY, max: NOW }),
    });
    fc.assert(
      fc.property(cursors, (cursor: ChangeCursor) => {
        expect(readChangeCursor(writeChangeCursor(cursor), NOW)).toEqual(cursor);
      }),
    );
  });

  it('is refused as gone when changes since it may have been dropped', () => {
    const text = writeChangeCursor({ position: 7n, part: 1, at: NOW - 30 * DAY - 1 });
    expect(() => readChangeCursor(text, NOW)).toThrow(expect.objectContaining({ code: 'changes.cursor-expired', status: 410 }));
  });

  it.each(['', 'yesterday', '1.2', '-1.0.0', '9223372036854775808.0.0', '1.2147483648.0', '1.1.1.1', '1 .1.1'])(
    'is refused when it is %j',
    (text) => {
      expect(() => readChangeCursor(text, NOW)).toThrow(expect.objectContaining({ code: 'cursor.invalid', status: 400 }));
    },
  );
});
