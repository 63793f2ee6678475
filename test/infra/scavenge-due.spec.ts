import { describe, expect, it } from '@jest/globals';
import { addressOf } from '../../src/infra/eventstore/address.js';
import { isScavengeDue } from '../../src/infra/eventstore/scavenge-due.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MB = 1_048_576;
const NOW = Date.parse('2026-03-01T03:00:00Z');

describe('A scavenge', () => {
  const standing = { bytes: 160 * MB, hidden: 20 * MB, hiddenSince: NOW - HOUR, startedAt: null };

  it('is due once an eighth of the log is hidden', () => {
    expect(isScavengeDue(standing, NOW)).toBe(true);
    expect(isScavengeDue({ ...standing, bytes: 161 * MB }, NOW)).toBe(false);
  });

  it('is not due for a few megabytes, unless they were hidden a week ago', () => {
    const little = { ...standing, bytes: MB, hidden: MB };
    expect(isScavengeDue(little, NOW)).toBe(false);
    expect(isScavengeDue({ ...little, hiddenSince: NOW - 7 * DAY }, NOW)).toBe(true);
  });

  it('is due at most every 20 hours, and never when nothing is hidden', () => {
    expect(isScavengeDue({ ...standing, startedAt: NOW - 20 * HOUR + 1 }, NOW)).toBe(false);
    expect(isScavengeDue({ ...standing, startedAt: NOW - 20 * HOUR }, NOW)).toBe(true);
    expect(isScavengeDue({ ...standing, hidden: 0, hiddenSince: null }, NOW)).toBe(false);
  });
});

describe('The address of an event store', () => {
  it.each([
    ['esdb://a:b@one:1?tls=false', false, ['one:1'], 'a/b', [['tls', 'false']]],
    ['esdb://a:b@one:1,two:2,three/?tlsCAFile=%2Fca', false, ['one:1', 'two:2', 'three:2113'], 'a/b', [['tlscafile', '/ca']]],
    ['ESDB+Discover://cluster', true, ['cluster:2113'], null, [['', '']]],
    ['esdb://a:p%40s:s@one', false, ['one:2113'], 'a/p@s:s', [['', '']]],
  ] as const)('%s tells nodes, login and options', (text, discover, hosts, login, options) => {
    const address = addressOf(text);
    const told = address.login === null ? null : `${address.login.user}/${address.login.password}`;
    expect([address.discover, address.hosts, told, [...address.options]]).toEqual([discover, hosts, login, options]);
  });
});
