import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shares } from '../../src/infra/postgres/shares.js';

describe('The places of a person', () => {
  it('are as many as one may have, and no more of theirs is looked for until half of them are free', () => {
    const all = shares(4);
    expect(Array.from({ length: 6 }, () => all.enter('ada'))).toEqual([true, true, true, true, false, false]);
    expect(all.enter('bob')).toBe(true);
    all.leave('ada');
    expect(all.full()).toEqual(['ada']);
    all.leave('ada');
    expect(all.full()).toEqual([]);
    expect(all.enter('ada')).toBe(true);
  });

  it('are never more than that, and all free again when all have left', () => {
    const comers = fc.array(fc.record({ person: fc.constantFrom('ada', 'bob', 'eve'), leaves: fc.boolean() }), { maxLength: 100 });
    fc.assert(
      fc.property(comers, fc.integer({ min: 1, max: 5 }), (all, most) => {
        const places = shares(most);
        const held = new Map<string, number>();
        for (const { person, leaves } of all) {
          const before = held.get(person) ?? 0;
          if (leaves && before > 0) {
            places.leave(person);
            held.set(person, before - 1);
          } else if (places.enter(person)) held.set(person, before + 1);
        }
        expect(Math.max(0, ...held.values())).toBeLessThanOrEqual(most);
        for (const [person, count] of held) for (let time = 0; time < count; time += 1) places.leave(person);
        expect(places.full()).toEqual([]);
      }),
    );
  });
});
