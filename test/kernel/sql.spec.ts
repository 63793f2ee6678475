import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { named } from '../../src/kernel/sql.js';

describe('A statement whose values are named', () => {
  it('is handed on with numbers, and each value once, however often it is named', () => {
    expect(named('select :b::text, :a where :b is not null', { a: 1, b: null })).toEqual([
      'select $1::text, $2 where $1 is not null',
      [null, 1],
    ]);
  });

  it('keeps casts as they are', () => {
    expect(named(`select :at::timestamptz, '{}'::text[], 1::int`, { at: 'now' })).toEqual([
      `select $1::timestamptz, '{}'::text[], 1::int`,
      ['now'],
    ]);
  });

  it('takes no name for another that begins like it', () => {
    expect(named('select :from, :fromThere', { fromThere: 2, from: 1 })).toEqual(['select $1, $2', [1, 2]]);
  });

  it('is refused when a name has no value, and when a value has no place', () => {
    expect(() => named('select :a, :b', { a: 1 })).toThrow('b, which has no value');
    expect(() => named('select :a', { a: 1, b: 2 })).toThrow('no place for b');
    expect(() => named('select :toString', {})).toThrow('toString');
  });

  it('finds every value again by its number', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,6}$/), { minLength: 1 }), (names) => {
        const [text, values] = named(
          names.map((name) => `:${name}`).join(', '),
          Object.fromEntries(names.map((name) => [name, `of ${name}`])),
        );
        expect(text.split(', ').map((number) => values[Number(number.slice(1)) - 1])).toEqual(names.map((name) => `of ${name}`));
      }),
    );
  });
});
