import { describe, expect, it } from '@jest/globals';
import { type BringZoneRules, isNewerVersion, zoneRules, type ZoneRulesChanged } from '../../src/merged-events/zone-change.js';
import { zoneMarks } from '../../src/time/zone-marks.js';
import { given } from '../support/spec.js';

const at = '2026-11-26T10:00:00.000Z';
const released = '2026-10-29';
const before = {
  'Africa/Casablanca': '00000001',
  'America/Vancouver': '00000002',
  'Canada/Pacific': '00000002',
  'Europe/Paris': '00000003',
};
const after = { ...before, 'America/Vancouver': '0000000a', 'Canada/Pacific': '0000000a', 'Mars/Olympus': '0000000b' };

const bring = (version: string, marks: Readonly<Record<string, string>>): BringZoneRules => ({
  type: 'BringZoneRules',
  version,
  released,
  marks,
  at,
});
const changed = (version: string, marks: Readonly<Record<string, string>>, names: readonly string[] | null): ZoneRulesChanged => ({
  type: 'ZoneRulesChanged',
  version,
  released,
  marks,
  changed: names,
  at,
});

describe('Zone rules of a log', () => {
  it('are those of the first program, and it is not known which differ from what was before', () => {
    given(zoneRules)
      .when(bring('2026f', before))
      .then(changed('2026f', before, null));
  });

  it('change with a newer program, which says which zones differ, aliases and new ones included', () => {
    given(zoneRules, changed('2026f', before, null))
      .when(bring('2027a', after))
      .then(changed('2027a', after, ['America/Vancouver', 'Canada/Pacific', 'Mars/Olympus']));
  });

  it('say so when a zone is gone', () => {
    given(zoneRules, changed('2026f', after, null))
      .when(bring('2026g', before))
      .then(changed('2026g', before, ['America/Vancouver', 'Canada/Pacific', 'Mars/Olympus']));
  });

  it('stay when the same program starts again', () => {
    given(zoneRules, changed('2026f', before, null))
      .when(bring('2026f', before))
      .then();
  });

  it('stay when an older program starts', () => {
    given(zoneRules, changed('2026f', before, null), changed('2027a', after, []))
      .when(bring('2026f', before))
      .then();
  });

  it.each([
    ['2026b', '2026a', true],
    ['2027a', '2026z', true],
    ['2026a', '2026a', false],
    ['2025c', '2026a', false],
    ['2026za', '2026z', true],
  ])('of %s are newer than those of %s: %s', (version, than, newer) => {
    expect(isNewerVersion(version, than)).toBe(newer);
  });
});

describe('Marks of zones', () => {
  const marks = zoneMarks();

  it('are equal where the rules are, and only there', () => {
    expect(marks['Canada/Pacific']).toBe(marks['America/Vancouver']);
    expect(
      new Set(['America/Vancouver', 'America/Los_Angeles', 'America/Edmonton', 'Europe/Paris', 'UTC'].map((name) => marks[name])).size,
    ).toBe(5);
  });
});
