import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CustomZones } from '../../src/calendar/calendar-object.js';
import { formatWall, parseWall } from '../../src/time/civil.js';
import { findZone, isIanaZone, type Zone } from '../../src/time/time-zone.js';

const zone = (id: string, custom: CustomZones = {}): Zone => {
  const found = findZone(id, custom);
  if (found === null) throw new Error(`no zone ${id}`);
  return found;
};

const utc = (id: string, wall: string, custom?: CustomZones): string =>
  `${formatWall(zone(id, custom).instantOf(parseWall(wall) ?? NaN))}Z`;

describe('A wall becomes an instant:', () => {
  it.each([
    ['Europe/Paris', '2026-03-29T01:59:59', '2026-03-29T00:59:59Z'],
    ['Europe/Paris', '2026-03-29T02:00:00', '2026-03-29T01:00:00Z'],
    ['Europe/Paris', '2026-03-29T02:30:00', '2026-03-29T01:30:00Z'],
    ['Europe/Paris', '2026-03-29T03:00:00', '2026-03-29T01:00:00Z'],
    ['Europe/Paris', '2026-10-25T02:00:00', '2026-10-25T00:00:00Z'],
    ['Europe/Paris', '2026-10-25T02:59:59', '2026-10-25T00:59:59Z'],
    ['Europe/Paris', '2026-10-25T03:00:00', '2026-10-25T02:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:15:00', '2026-10-03T15:45:00Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45:00', '2026-04-04T14:45:00Z'],
    ['America/New_York', '2026-03-08T02:30:00', '2026-03-08T07:30:00Z'],
    ['America/New_York', '2026-11-01T01:30:00', '2026-11-01T05:30:00Z'],
    ['Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00Z'],
    ['Asia/Kathmandu', '2026-01-01T00:00:00', '2025-12-31T18:15:00Z'],
    ['UTC', '2026-03-29T02:30:00', '2026-03-29T02:30:00Z'],
  ])('in %s %s is %s', (id, wall, instant) => {
    expect(utc(id, wall)).toBe(instant);
  });

  const ids = [
    'Europe/Paris',
    'America/Sao_Paulo',
    'Africa/Casablanca',
    'Asia/Gaza',
    'Australia/Lord_Howe',
    'Antarctica/Troll',
    'America/St_Johns',
  ];

  it('and back, but for the second time an hour comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ids), fc.integer({ min: 0, max: 2_200_000_000 }), (id, instant) => {
        const { instantOf, wallOf } = zone(id);
        const again = instantOf(wallOf(instant));
        expect(wallOf(again)).toBe(wallOf(instant));
        expect(again).toBeLessThanOrEqual(instant);
      }),
      { seed: 336, numRuns: 2_000 },
    );
  });
});

describe('A zone name', () => {
  it('is one of the IANA database, old spellings included', () => {
    expect(['Europe/Paris', 'Asia/Calcutta', 'Asia/Kolkata', 'Europe/Kyiv', 'US/Pacific', 'UTC', 'Etc/GMT+5'].every(isIanaZone)).toBe(true);
  });

  it('is no offset, no Windows name and nothing odd', () => {
    expect(['+01:00', '', 'W. Europe Standard Time', 'Nowhere/Else', '__proto__', 'constructor', 'x'.repeat(500)].some(isIanaZone)).toBe(
      false,
    );
  });
});

describe('A zone of an object’s own', () => {
  const observance = { offsetFrom: 7_200, offsetTo: 3_600, dates: [] };
  const office: CustomZones = {
    office: [
      { ...observance, start: '1601-10-28T03:00:00', rule: 'FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10' },
      { ...observance, offsetFrom: 3_600, offsetTo: 7_200, start: '1601-03-25T02:00:00', rule: 'FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3' },
    ],
  };

  it('behaves as the place it describes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 900_000_000, max: 2_200_000_000 }), (wall) => {
        expect(zone('office', office).instantOf(wall)).toBe(zone('Europe/Paris').instantOf(wall));
      }),
      { seed: 365, numRuns: 2_000 },
    );
  });

  it('changes on listed days, and no more after its last', () => {
    const listed: CustomZones = {
      site: [
        { start: '2025-01-01T00:00:00', offsetFrom: 0, offsetTo: 0, rule: null, dates: ['2025-10-01T02:00:00'] },
        { start: '2025-04-01T02:00:00', offsetFrom: 0, offsetTo: 3_600, rule: 'FREQ=YEARLY;UNTIL=20260401T020000Z', dates: [] },
      ],
    };
    expect(utc('site', '2025-05-01T12:00:00', listed)).toBe('2025-05-01T11:00:00Z');
    expect(utc('site', '2025-11-01T12:00:00', listed)).toBe('2025-11-01T12:00:00Z');
    expect(utc('site', '2030-11-01T12:00:00', listed)).toBe('2030-11-01T11:00:00Z');
    expect(utc('site', '1999-01-01T12:00:00', listed)).toBe('1999-01-01T12:00:00Z');
  });
});
