import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { crowding, type Place, SLOW } from '../../src/infra/postgres/crowding.js';

/** Takes places at an instant, as far as there are any. */
const taking = ({ enter }: ReturnType<typeof crowding>, group: string, count: number, now: number): readonly Place[] =>
  Array.from({ length: count }, () => enter(null, group, now)).filter((place) => place !== null);

describe('A group of rows', () => {
  it('has so many places, and its members are passed over while all are taken', () => {
    const { enter, leave, crowded } = crowding(() => 2, 20);
    expect(crowded(0)).toEqual({ groups: [], members: [] });
    const places = ['a', 'b', 'c', 'a'].map((member) => enter(member, 'slow', 0));
    expect(places.map((place) => place !== null)).toEqual([true, true, false, false]);
    expect(enter('d', 'quick', 0)).not.toBeNull();
    expect(crowded(0)).toEqual({ groups: ['slow'], members: ['a', 'b', 'c'] });
    leave(places[0] ?? { group: '', since: 0 }, 0);
    expect(crowded(0)).toEqual({ groups: [], members: [] });
    expect(enter('c', 'slow', 0)).not.toBeNull();
    expect(crowded(0)).toEqual({ groups: ['slow'], members: ['a', 'b', 'c'] });
  });

  it('loses a member that was seen in another', () => {
    const { enter, crowded } = crowding(() => 1, 20);
    enter('a', 'old', 0);
    enter('b', 'old', 0);
    enter('b', 'new', 0);
    expect(crowded(0).members).toEqual(['a', 'b']);
    enter('a', 'new', 0);
    expect(crowded(0).members).toEqual(['b', 'a']);
  });

  it('that rows name themselves is passed over by its name, however many they are', () => {
    const { enter, crowded } = crowding(() => 1, 20);
    expect([enter(null, 'apple', 0), enter(null, 'apple', 0)]).toEqual([{ group: 'apple', since: 0 }, null]);
    expect(crowded(0)).toEqual({ groups: ['apple'], members: [] });
  });
});

describe('Groups whose work takes long', () => {
  it('hold half of the places at most: what they took before anybody knew is lent to the others', () => {
    const all = crowding(() => 4, 20);
    for (const group of ['a', 'b', 'c', 'd', 'e']) taking(all, group, 4, 0);
    expect([all.lent(SLOW), all.lent(SLOW + 1)]).toEqual([0, 10]);
    expect(all.enter(null, 'quick', SLOW + 1)).not.toBeNull();
  });

  it('may not take more than that when they come again, and are passed over', () => {
    const all = crowding(() => 4, 20);
    const groups = ['a', 'b', 'c', 'd', 'e'];
    const places = groups.flatMap((group) => taking(all, group, 4, 0));
    for (const place of places) all.leave(place, SLOW + 1);
    expect(all.crowded(SLOW + 1).groups).toEqual([]);
    expect(groups.flatMap((group) => taking(all, group, 4, SLOW + 2))).toHaveLength(10);
    expect(all.crowded(SLOW + 2).groups).toEqual(expect.arrayContaining(groups));
    expect(all.lent(SLOW + 2)).toBe(0);
    expect(all.enter(null, 'quick', SLOW + 2)).not.toBeNull();
  });

  it('are slow no longer when some of it took less', () => {
    const all = crowding(() => 4, 4);
    const [long, ...others] = taking(all, 'a', 3, 0);
    if (long === undefined) throw new Error('there was no place');
    all.leave(long, SLOW + 1);
    expect(all.enter(null, 'a', SLOW + 1)).toBeNull();
    for (const place of others) all.leave(place, SLOW + 1);
    const [quick] = taking(all, 'a', 1, SLOW + 2);
    if (quick === undefined) throw new Error('there was no place');
    all.leave(quick, SLOW + 3);
    expect(taking(all, 'a', 4, SLOW + 4)).toHaveLength(4);
  });

  it('leave half of the places to the others, whichever hangs and whenever', () => {
    const hanging = fc.array(fc.record({ group: fc.integer({ min: 1, max: 8 }).map(String), after: fc.nat(2 * SLOW) }), { maxLength: 80 });
    fc.assert(
      fc.property(hanging, (comers) => {
        const all = crowding(() => 4, 20);
        let [now, running] = [0, 0];
        const free = (): number => 20 - running + all.lent(now);
        for (const { group, after } of comers) {
          now += after;
          if (free() > 0 && all.enter(null, group, now) !== null) running += 1;
        }
        now += SLOW + 1;
        expect(free()).toBeGreaterThanOrEqual(10);
      }),
    );
  });
});
