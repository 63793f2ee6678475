import { DAY } from './calendar-item.js';

/** So many days from now, in UTC: `2026-03-01`. */
export const dayFromNow = (offset: number): string => new Date(Date.now() + offset * DAY).toISOString().slice(0, 10);

/** That day at a time in UTC, as iCalendar writes it: `20260301T120000Z`. */
export const stampOn = (day: string, time: string): string => `${day.replaceAll('-', '')}T${time}Z`;

/** An iCalendar text of one event; the lines say when it is and what. */
export const icsOfEvent = (uid: string, lines: readonly string[]): string =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z'],
    ...[...lines, 'END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');

/** An hour at noon in two days. */
export const lunchSoon = (uid: string, title: string): string =>
  icsOfEvent(uid, [`DTSTART:${stampOn(dayFromNow(2), '120000')}`, 'DURATION:PT1H', `SUMMARY:${title}`]);
