import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { divide, PARTITIONS, partitionOf } from '../../src/embedded/broker/partitions.js';

/** Members that look at each other in some order, each giving up what is too much before it takes what is free, until none does anything. */
const settle = (all: readonly string[], count: number, turns: readonly number[]): readonly (readonly string[])[] => {
  const held: string[][] = Array.from({ length: count }, () => []);
  for (const turn of [...turns, ...Array.from({ length: count * 3 }, (_, index) => index)]) {
    const mine = held[turn % count] ?? [];
    const { leave, take, room } = divide(all, { held: mine, locked: new Set(held.flat()), members: count });
    held[turn % count] = [...mine.filter((name) => !leave.includes(name)), ...take.slice(0, room)];
  }
  return held;
};

describe('The partitions of a group', () => {
  it('come to be read by one member each, all of them, in shares that none is left out of by more than rounding', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.nat(5), { maxLength: 20 }),
        (many, members, turns) => {
          const all = Array.from({ length: many }, (_, index) => `t/${index}`);
          const held = settle(all, members, turns);
          expect(held.flat().sort()).toEqual([...all].sort());
          expect(Math.max(...held.map((each) => each.length))).toBeLessThanOrEqual(Math.ceil(many / members));
        },
      ),
    );
  });

  it('take the same keys in every version, of which none falls out', () => {
    expect(['member:ada', 'resource:oak', '', '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10'].map(partitionOf)).toEqual([1, 2, 1, 0]);
    fc.assert(fc.property(fc.string(), (key) => partitionOf(key) >= 0 && partitionOf(key) < PARTITIONS));
  });
});
