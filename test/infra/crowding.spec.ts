import { describe, expect, it } from '@jest/globals';
import { crowding } from '../../src/infra/postgres/crowding.js';

describe('A group of rows', () => {
  it('has so many places, and its members are passed over while all are taken', () => {
    const { enter, leave, crowded } = crowding(2);
    expect(crowded()).toEqual({ groups: [], members: [] });
    expect(['a', 'b', 'c', 'a'].map((member) => enter(member, 'slow'))).toEqual([true, true, false, false]);
    expect(enter('d', 'quick')).toBe(true);
    expect(crowded()).toEqual({ groups: ['slow'], members: ['a', 'b', 'c'] });
    leave('slow');
    expect(crowded()).toEqual({ groups: [], members: [] });
    expect(enter('c', 'slow')).toBe(true);
    expect(crowded()).toEqual({ groups: ['slow'], members: ['a', 'b', 'c'] });
  });

  it('loses a member that was seen in another', () => {
    const { enter, crowded } = crowding(1);
    enter('a', 'old');
    enter('b', 'old');
    enter('b', 'new');
    expect(crowded().members).toEqual(['a', 'b']);
    enter('a', 'new');
    expect(crowded().members).toEqual(['b', 'a']);
  });

  it('that rows name themselves is passed over by its name, however many they are', () => {
    const { enter, crowded } = crowding(1);
    expect([enter(null, 'apple'), enter(null, 'apple')]).toEqual([true, false]);
    expect(crowded()).toEqual({ groups: ['apple'], members: [] });
  });
});
