import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatWall, parseWall } from '../../src/time/civil.js';
import { ianaOffsets } from '../../src/time/time-zone-iana.js';
import { findZone, isIanaZone, type Zone } from '../../src/time/time-zone.js';
import { ZONE_RULES_VERSION } from '../../src/time/zone-rules.js';
import { zonesByName } from '../../src/time/zone-transitions.js';

const zone = (id: string): Zone => {
  const found = findZone(id, {});
  if (found === null) throw new Error(`no zone ${id}`);
  return found;
};

const utc = (id: string, wall: string): string => `${formatWall(zone(id).instantOf(parseWall(wall) ?? NaN))}Z`;

const second = (text: string): number => Date.parse(text) / 1_000;

const names = [...zonesByName().keys()];

/** Expected values were taken from zone rules 2026f. */
describe('Zone rules of 2026f: sync-rule 38, clocks that governments changed in 2026', () => {
  it.each([
    ['America/Vancouver', '2026-12-03T09:00:00', '2026-12-03T16:00:00Z'],
    ['America/Edmonton', '2026-12-03T09:00:00', '2026-12-03T15:00:00Z'],
    ['Africa/Casablanca', '2026-12-03T09:00:00', '2026-12-03T09:00:00Z'],
    ['Canada/Pacific', '2026-12-03T09:00:00', '2026-12-03T16:00:00Z'],
    ['Canada/Mountain', '2026-12-03T09:00:00', '2026-12-03T15:00:00Z'],
    ['America/Yellowknife', '2026-12-03T09:00:00', '2026-12-03T15:00:00Z'],
    ['America/Inuvik', '2026-12-03T09:00:00', '2026-12-03T15:00:00Z'],
    ['America/Winnipeg', '2026-12-03T09:00:00', '2026-12-03T14:00:00Z'],
    ['America/Havana', '2026-12-03T09:00:00', '2026-12-03T13:00:00Z'],
    ['Africa/El_Aaiun', '2026-12-03T09:00:00', '2026-12-03T09:00:00Z'],
    ['Europe/Chisinau', '2026-03-29T02:30:00', '2026-03-29T00:30:00Z'],
    ['Europe/Chisinau', '2026-03-29T03:30:00', '2026-03-29T01:30:00Z'],
  ])('in %s %s is %s', (id, wall, instant) => {
    expect(utc(id, wall)).toBe(instant);
  });

  it.each([
    ['America/Vancouver', '2025-12-03T09:00:00', '2025-12-03T17:00:00Z'],
    ['America/Vancouver', '2026-07-03T09:00:00', '2026-07-03T16:00:00Z'],
    ['America/Edmonton', '2025-12-03T09:00:00', '2025-12-03T16:00:00Z'],
    ['Africa/Casablanca', '2025-12-03T09:00:00', '2025-12-03T08:00:00Z'],
    ['Africa/Casablanca', '2026-02-25T09:00:00', '2026-02-25T09:00:00Z'],
    ['America/Winnipeg', '2025-12-03T09:00:00', '2025-12-03T15:00:00Z'],
    ['America/Los_Angeles', '2026-12-03T09:00:00', '2026-12-03T17:00:00Z'],
    ['America/Denver', '2026-12-03T09:00:00', '2026-12-03T16:00:00Z'],
    ['America/Toronto', '2026-12-03T09:00:00', '2026-12-03T14:00:00Z'],
  ])('before, and next to it, clocks are as they were: in %s %s is %s', (id, wall, instant) => {
    expect(utc(id, wall)).toBe(instant);
  });
});

describe('Yearly rules hold to the end of the century:', () => {
  it.each([
    ['Europe/Paris', '2099-03-29T01:00:00Z', 3_600, 7_200],
    ['Europe/Paris', '2099-10-25T01:00:00Z', 7_200, 3_600],
    ['America/New_York', '2099-03-08T07:00:00Z', -18_000, -14_400],
    ['America/New_York', '2099-11-01T06:00:00Z', -14_400, -18_000],
    ['Australia/Lord_Howe', '2099-10-03T15:30:00Z', 37_800, 39_600],
    ['Pacific/Auckland', '2096-02-29T12:00:00Z', 46_800, 46_800],
    ['Pacific/Auckland', '2096-03-31T14:00:00Z', 46_800, 43_200],
    ['Africa/Cairo', '2099-10-29T21:00:00Z', 10_800, 7_200],
    ['Asia/Gaza', '2086-05-25T00:00:00Z', 7_200, 10_800],
    ['America/Vancouver', '2099-12-01T00:00:00Z', -25_200, -25_200],
  ])('%s at %s goes from %i to %i', (id, at, before, after) => {
    const { offsetAt } = zone(id);
    expect([offsetAt(second(at) - 1), offsetAt(second(at))]).toEqual([before, after]);
  });

  it('and long before or after the nearest offset holds', () => {
    const { offsetAt } = zone('Europe/Berlin');
    expect([offsetAt(second('0001-01-01')), offsetAt(second('1601-01-01')), offsetAt(second('9999-12-31'))]).toEqual([3_600, 3_600, 3_600]);
  });
});

/** What moment-timezone's own reader makes of its data; of it nothing is ours. */
type Source = Readonly<{
  tz: Readonly<{
    dataVersion: string;
    zone: (name: string) => Readonly<{ untils: readonly number[]; offsets: readonly number[] }> | null;
    names: () => string[];
  }>;
}>;
const source = createRequire(import.meta.url)('moment-timezone') as Source;

describe('The zone rules', () => {
  it('are of the version the source package has, and what `npm run zones:update` writes from it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'zones-'));
    try {
      const written = join(folder, 'zone-rules.ts');
      execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/zones.mjs', import.meta.url)), written]);
      expect(ZONE_RULES_VERSION).toBe(source.tz.dataVersion);
      expect(readFileSync(written, 'utf8')).toBe(readFileSync(new URL('../../src/time/zone-rules.ts', import.meta.url), 'utf8'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('know every name of the source package', () => {
    expect(source.tz.names().filter((name) => !isIanaZone(name))).toEqual([]);
  });

  it('have every change of every zone from 1900 to 2100 as the source package has it', () => {
    const [begin, end] = [second('1900-01-01'), second('2101-01-01')];
    const wrong = source.tz.names().flatMap((name) => {
      const { untils, offsets } = source.tz.zone(name) ?? { untils: [], offsets: [] };
      const offsetAt = ianaOffsets(name) ?? (() => NaN);
      return untils.flatMap((until, index) => {
        const at = until / 1_000;
        const [before, after] = [index, index + 1].map((each) => Math.round(-60 * (offsets[each] ?? NaN)));
        if (!Number.isFinite(at) || at < begin || at >= end) return [];
        return offsetAt(at - 1) === before && offsetAt(at) === after ? [] : [`${name} ${new Date(until).toISOString()}`];
      });
    });
    expect(wrong).toEqual([]);
  });
});

/** Zones whose rules from 1970 on are not those of 2025c, the oldest that a runtime here has. */
const CHANGED_SINCE_2025C = [
  'Africa/Casablanca',
  'Africa/El_Aaiun',
  'America/Bogota',
  'America/Edmonton',
  'America/Havana',
  'America/Inuvik',
  'America/Vancouver',
  'America/Winnipeg',
  'Asia/Tehran',
  'Europe/Chisinau',
];

describe(`The zone rules of 2026f and this runtime's of ${process.versions['tz'] ?? '?'}`, () => {
  const changed = new Set(CHANGED_SINCE_2025C.map(ianaOffsets));
  const others = names.filter((name) => !changed.has(ianaOffsets(name)) && !name.startsWith('SystemV/'));
  const shown = new Map<string, Intl.DateTimeFormat>();
  const shownIn = (id: string): Intl.DateTimeFormat => {
    const format = shown.get(id) ?? new Intl.DateTimeFormat('sv-SE', { timeZone: id, dateStyle: 'short', timeStyle: 'medium' });
    shown.set(id, format);
    return format;
  };

  it('show the same wall in every zone that did not change', () => {
    fc.assert(
      fc.property(fc.constantFrom(...others), fc.integer({ min: 0, max: second('2100-01-01') }), (id, instant) => {
        expect(`${id} ${formatWall(zone(id).wallOf(instant)).replace('T', ' ')}`).toBe(`${id} ${shownIn(id).format(instant * 1_000)}`);
      }),
      { seed: 338, numRuns: 5_000 },
    );
  });
});

describe('A wall and its instant', () => {
  const anyTime = fc.integer({ min: second('1900-01-01'), max: second('2101-01-01') });

  it('belong to each other in every zone, but for the second time an hour comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), anyTime, (id, instant) => {
        const { instantOf, wallOf } = zone(id);
        const again = instantOf(wallOf(instant));
        expect(wallOf(again)).toBe(wallOf(instant));
        expect(again).toBeLessThanOrEqual(instant);
      }),
      { seed: 339, numRuns: 3_000 },
    );
  });

  it('are the same after any other question', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), anyTime, anyTime, (id, instant, other) => {
        const { offsetAt } = zone(id);
        const alone = offsetAt(instant);
        offsetAt(other);
        expect(offsetAt(instant)).toBe(alone);
      }),
      { seed: 340, numRuns: 3_000 },
    );
  });
});

describe('A zone name', () => {
  it('means the same in any case', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.infiniteStream(fc.boolean()), (name, upper) => {
        const spelled = name
          .split('')
          .map((char) => (upper.next().value ? char.toUpperCase() : char.toLowerCase()))
          .join('');
        expect(ianaOffsets(spelled)).toBe(ianaOffsets(name));
      }),
      { seed: 341 },
    );
  });

  it.each([
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['Europe/Kiev', 'Europe/Kyiv'],
    ['Asia/Rangoon', 'Asia/Yangon'],
    ['America/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['US/Pacific', 'America/Los_Angeles'],
    ['GB', 'Europe/London'],
    ['IST', 'Asia/Kolkata'],
    ['PST', 'America/Los_Angeles'],
    ['US/Pacific-New', 'America/Los_Angeles'],
  ])('may be an old one: %s is %s', (old, now) => {
    expect(ianaOffsets(old)).toBe(ianaOffsets(now));
    expect(isIanaZone(old)).toBe(true);
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom(...names).map((name) => `${name}x`),
          fc.constantFrom('Asia/To\u212ayo', 'toString'),
        ),
        (text) => {
          fc.pre(!names.some((name) => name.toLowerCase() === text.toLowerCase() && /^[!-~]+$/.test(text)));
          expect(isIanaZone(text)).toBe(false);
        },
      ),
      { seed: 342 },
    );
  });
});
