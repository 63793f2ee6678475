import { DAY, instant } from '../kernel/clock.js';
import { ZONE_RULES_RELEASED, ZONE_RULES_VERSION } from './zone-rules.js';

/** Governments change their clocks several times a year, some with a few weeks' notice. */
const OLD_DAYS = 183;

/** How long ago the zone rules of this program were released, in milliseconds. By the program's own data: the runtime's has another age. */
export const zoneRulesAge = (now: number): number => Math.max(0, now - Date.parse(ZONE_RULES_RELEASED));

export const areZoneRulesOld = (now: number): boolean => zoneRulesAge(now) > OLD_DAYS * DAY;

/** A sentence for operators: which zone rules are in force and, when they are older than half a year, what to do about it. */
export const zoneRulesInForce = (now: number): string => {
  const told = `${ZONE_RULES_VERSION}, released ${ZONE_RULES_RELEASED}`;
  if (!areZoneRulesOld(now)) return told;
  const days = Math.floor(zoneRulesAge(now) / DAY);
  return `${told}, ${days} days before ${instant(now).slice(0, 10)}: clocks that were changed since may be off, run a newer program`;
};
