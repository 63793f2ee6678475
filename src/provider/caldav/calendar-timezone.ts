import { isIanaZone } from '../../time/time-zone.js';

/** The name and its ends of two and three parts, `/mozilla.org/20050126_1/Europe/Paris` being a known form. */
const readings = (name: string): readonly string[] => [name, ...[3, 2].map((parts) => name.split('/').slice(-parts).join('/'))];

/**
 * The IANA zone of a `calendar-timezone` property (RFC 4791 5.2.2), an iCalendar text with one VTIMEZONE: by X-LIC-LOCATION or TZID, also
 * when those only end in it. Null when they name no such zone.
 */
export const calendarTimeZone = (text: string): string | null => {
  const unfolded = text.replace(/\r?\n[ \t]/g, '');
  const names = [/^X-LIC-LOCATION:(.+)$/im, /^TZID(?:;[^:]*)?:(.+)$/im].map((line) => line.exec(unfolded)?.[1]?.trim());
  return names.flatMap((name) => (name === undefined ? [] : readings(name))).find(isIanaZone) ?? null;
};
