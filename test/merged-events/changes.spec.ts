import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesOf, type Shown } from '../../src/merged-events/changes/changes.js';

const occurrence = (series: string, original: string, day: number): Shown => ({
  series,
  original,
  ref: `object of ${series}`,
  start: new Date(Date.UTC(2026, 10, day, 10)).toISOString(),
  end: new Date(Date.UTC(2026, 10, day, 11)).toISOString(),
  allDay: false,
  floating: false,
  localStart: null,
  localEnd: null,
  zone: 'UTC',
  status: 'confirmed',
  busy: 'busy',
  private: false,
  recurring: original !== '',
});

const BEGINNING = '2026-11-01T00:00:00.000Z';
const keyOf = ({ series, original }: Shown): string => `${series} ${original}`;
const calendars = fc.uniqueArray(
  fc.record({ series: fc.constantFrom('a', 'b', 'c'), original: fc.constantFrom('', '1', '2'), day: fc.integer({ min: 2, max: 9 }) }),
  { selector: ({ series, original }) => `${series} ${original}` },
);

describe('What changed between two states of a calendar', () => {
  it('makes the second of the first for a client that applies it', () => {
    fc.assert(
      fc.property(calendars, calendars, (first, second) => {
        const [before, after] = [first, second].map((all) => all.map(({ series, original, day }) => occurrence(series, original, day)));
        if (before === undefined || after === undefined) return;
        const mirror = new Map(before.map((each) => [keyOf(each), each]));
        for (const { change, occurrence: changed } of changesOf(before, after, new Set(), BEGINNING)) {
          expect([mirror.has(keyOf(changed)), change]).not.toEqual([change === 'added', change]);
          if (change === 'removed') mirror.delete(keyOf(changed));
          else mirror.set(keyOf(changed), changed);
        }
        expect(mirror).toEqual(new Map(after.map((each) => [keyOf(each), each])));
      }),
    );
  });

  it('is empty when nothing differs, in any order', () => {
    fc.assert(
      fc.property(calendars, (all) => {
        const shown = all.map(({ series, original, day }) => occurrence(series, original, day));
        expect(changesOf(shown, [...shown].reverse(), new Set(), BEGINNING)).toEqual([]);
      }),
    );
  });

  it('holds an event whose times are the same and whose content is not', () => {
    const lunch = occurrence('lunch', '', 3);
    expect(changesOf([lunch], [lunch], new Set([lunch.ref]), BEGINNING)).toEqual([{ change: 'changed', occurrence: lunch }]);
  });

  it('calls nothing removed that has merely aged out of the window', () => {
    const [old, coming] = [occurrence('daily', '1', 2), occurrence('daily', '2', 6)];
    expect(changesOf([old, coming], [], new Set(), '2026-11-04T00:00:00.000Z')).toEqual([{ change: 'removed', occurrence: coming }]);
  });

  it('comes in one order, however the two states were read', () => {
    const rows = ['b', 'a', 'c'].map((series) => occurrence(series, '', 3));
    const order = (after: readonly Shown[]) => changesOf([], after, new Set(), BEGINNING).map(({ occurrence: { series } }) => series);
    expect([order(rows), order([...rows].reverse())]).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
  });
});
