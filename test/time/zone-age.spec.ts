import { describe, expect, it } from '@jest/globals';
import { areZoneRulesOld, zoneRulesAge, zoneRulesInForce } from '../../src/time/zone-age.js';
import { ZONE_RULES_RELEASED, ZONE_RULES_VERSION } from '../../src/time/zone-rules.js';
import { DAY } from '../../src/kernel/clock.js';

const released = Date.parse(ZONE_RULES_RELEASED);

describe('Zone rules', () => {
  it('are as old as their release', () => {
    expect(zoneRulesAge(released + 40 * DAY)).toBe(40 * DAY);
    expect(zoneRulesInForce(released + 40 * DAY)).toBe(`${ZONE_RULES_VERSION}, released ${ZONE_RULES_RELEASED}`);
  });

  it('are warned about when they are older than half a year', () => {
    expect([183, 184].map((days) => areZoneRulesOld(released + days * DAY))).toEqual([false, true]);
    expect(zoneRulesInForce(released + 200 * DAY)).toContain('200 days before');
  });

  it('have no age where a clock is before their release', () => {
    expect(zoneRulesAge(released - DAY)).toBe(0);
  });
});
