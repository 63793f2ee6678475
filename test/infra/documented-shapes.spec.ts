import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type z } from 'zod';
import { ChangeCursorText } from '../../src/merged-events/changes/changes.contract.js';
import { EventCursorText } from '../../src/merged-events/events.contract.js';
import { RangeText } from '../../src/merged-events/range.contract.js';
import { TimeOfDay } from '../../src/preference/settings.contract.js';
import { Refused } from '../../src/kernel/refused.js';
import { readChangeCursor, writeChangeCursor } from '../../src/merged-events/changes/change-cursor.js';
import { readCursor, writeCursor } from '../../src/merged-events/event-cursor.js';
import { rangeOf } from '../../src/merged-events/range.js';
import { minuteOf } from '../../src/preference/working-hours.js';

const patternOf = (schema: z.ZodType): RegExp => new RegExp(String(schema.meta()?.['pattern']));

/** Texts that have the shape which the document tells. */
const shaped = (schema: z.ZodType): fc.Arbitrary<string> => fc.stringMatching(patternOf(schema));

/** What a reader says against a text; null when it takes it. */
const against = (read: () => unknown): string | null => {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof Refused) return `${error.code} ${error.detail}`;
    throw error;
  }
};

const instants = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true });

describe('What has the shape that the document tells of', () => {
  it('a range is refused for its meaning alone', () => {
    fc.assert(
      fc.property(shaped(RangeText), (text) => {
        fc.pre(text.split('/').every((each) => isDay(each.slice(0, 10))) && !isEdge(text));
        expect(against(() => rangeOf(text)) ?? 'taken').toMatch(/^taken$|must end after it starts|may span 400 days/);
      }),
      { seed: 34, numRuns: 2_000 },
    );
  });

  it('a cursor of events is read, unless its month lacks the day', () => {
    fc.assert(
      fc.property(shaped(EventCursorText), (text) => {
        if (isDay(text.slice(0, 10))) expect(against(() => readCursor(text))).toBe(null);
      }),
      { seed: 35, numRuns: 2_000 },
    );
  });

  it('a cursor of changes is read, unless it is too old', () => {
    fc.assert(
      fc.property(shaped(ChangeCursorText), (text) => {
        expect(against(() => readChangeCursor(text, 0))).toBe(null);
      }),
      { seed: 36, numRuns: 2_000 },
    );
  });

  it('a time of day is one', () => {
    fc.assert(fc.property(shaped(TimeOfDay), (text) => minuteOf(text) !== null));
  });
});

describe('The shape that the document tells of', () => {
  it('every cursor of events has that is given', () => {
    const originals = fc.constantFrom('', '2026-03-01', '2026-03-01T10:00:00.000Z', '2026-03-01T10:00:00.000Z_Zm9vYmFy');
    fc.assert(
      fc.property(instants, fc.uuid(), fc.stringMatching(/^[A-Za-z0-9_-]{22}$/), originals, (at, calendarId, series, original) => {
        const start = at.toISOString().replace('T', ' ').replace('Z', '+00');
        expect(writeCursor({ start, calendarId, series, original })).toMatch(patternOf(EventCursorText));
      }),
    );
  });

  it('every cursor of changes has that is given', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.integer({ min: 1, max: 500_000 }), instants, (position, part, at) => {
        for (const each of [part, 2 ** 31 - 1])
          expect(writeChangeCursor({ position, part: each, at: at.getTime() })).toMatch(patternOf(ChangeCursorText));
      }),
    );
  });
});

const isDay = (text: string): boolean => {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
};

/** An offset can carry a time past the years that RFC 3339 has. */
const isEdge = (text: string): boolean => /(^|[/])(0001-01-01|9999-12-31)/.test(text);
