import { isIanaZone } from '../time/time-zone.js';
import { type Clock } from '../kernel/clock.js';

/** The machine's own time. */
export const systemClock: Clock = { now: () => Date.now() };

/** IANA name of the zone this machine is in, `UTC` when the zone rules do not know it. What its clock shows is never asked of the runtime. */
export const machineZone = (): string => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return isIanaZone(timeZone) ? timeZone : 'UTC';
};
