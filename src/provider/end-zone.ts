import { type Contents } from '../calendar/calendar-object.js';
import { isIanaZone } from '../time/time-zone.js';

/** Zones of places are called `Europe/Paris`; UTC and its kind are where clocks are compared, and no event ends there. */
const isPlace = (zone: string): boolean => zone.includes('/') && !zone.startsWith('Etc/') && isIanaZone(zone);

/** The zone in which an event ends, where it is another than the one in which it starts. Null: none is named, or the event takes whole days. */
export const endZoneOf = (start: string | null, end: string | null): Pick<Contents, 'endZone'> =>
  start === null || end === null || start === end || !isPlace(end) ? {} : { endZone: end };
