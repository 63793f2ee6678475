import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Listed, PIECE, packedList } from '../../src/provider/caldav/packed-list.js';

const listed = fc.record({
  href: fc.string({ maxLength: 8 }),
  spelling: fc.string({ maxLength: 3 }),
  path: fc.string({ maxLength: 3, unit: 'binary' }),
  etag: fc.option(fc.string({ maxLength: 4 })),
});

const plain = (index: number): Listed => ({
  href: `/${index}.ics`,
  spelling: `/${index}.ics`,
  path: `/${index}.ics`,
  etag: `"${index}"`,
});

const byPath = (objects: readonly Listed[]): readonly Listed[] => [...objects].sort((a, b) => (a.path < b.path ? -1 : 1));

describe('a packed list', () => {
  it('hands over each path once, with what was said of it last', () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 300 }), fc.integer({ min: 0, max: 2_500 }), (objects, more) => {
        const all = [...objects, ...Array.from({ length: more }, (_, index) => plain(index)), ...objects];
        const once = [...new Map(all.map((object) => [object.path, object])).values()];
        expect(byPath([...packedList(all).take()].flat())).toEqual(byPath(once));
      }),
      { numRuns: 40 },
    );
  });

  it('hands over whole pieces, but for the last, and keeps nothing of them', () => {
    const list = packedList(Array.from({ length: 12_345 }, (_, index) => plain(index)));
    expect(list.size()).toBe(12_345);
    const sizes = [...list.take()].map((piece) => piece.length);
    expect(sizes.slice(0, -1).every((size) => size === PIECE)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(12_345);
    expect([list.size(), [...list.take()]]).toEqual([0, []]);
  });

  it('keeps the order of few', () => {
    const few = [plain(3), plain(1), plain(2)];
    expect([...packedList(few).take()]).toEqual([few]);
  });

  it('tells addresses that differ in their spelling alone, and hands each over as an object of its own when asked', () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 60 }), fc.integer({ min: 0, max: 2_500 }), (objects, more) => {
        const all = [...objects, ...Array.from({ length: more }, (_, index) => plain(index))];
        const spellings = new Map(
          objects.map(({ path }) => [path, new Set(objects.filter((each) => each.path === path).map((each) => each.spelling))]),
        );
        const list = packedList(all);
        expect(list.isAmbiguous()).toBe([...spellings.values()].some((different) => different.size > 1));
        const exactly = [...list.take(true)].flat();
        expect(new Set(exactly.map(({ path }) => path))).toEqual(new Set(all.map(({ spelling }) => spelling)));
        expect(exactly.every(({ path, spelling }) => path === spelling)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
