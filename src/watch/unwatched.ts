/**
 * Why a calendar is polled although its service tells of changes, as stable codes: `push.unwatchable` in calendars of this kind it never does;
 * `push.unhealthy` it does not do so reliably at the moment, or could not be asked to; `push.not-public` it cannot reach this service;
 * `push.refused` it refuses to; `push.hidden` the calendar is not shown, so that nothing in it is urgent.
 */
export const UNWATCHED = ['push.unwatchable', 'push.unhealthy', 'push.not-public', 'push.refused', 'push.hidden'] as const;
export type Unwatched = (typeof UNWATCHED)[number];

const WORDS: Readonly<Record<Unwatched, string>> = {
  'push.unwatchable': 'The calendar service tells of no changes in calendars of this kind. It is read about once a day.',
  'push.unhealthy':
    'The calendar service does not tell of changes reliably at the moment. The calendar is read every few minutes instead, until it does.',
  'push.not-public': 'The calendar service cannot reach this service to tell of changes. The calendar is read every few minutes instead.',
  'push.refused': 'The calendar service refuses to tell of changes in this calendar. It is read every few minutes instead.',
  'push.hidden': 'A calendar that is not shown is read every few minutes.',
};

const isUnwatched = (code: string): code is Unwatched => Object.hasOwn(WORDS, code);

/** Why a calendar is polled, in plain words; null for no reason. */
export const unwatchedBecause = (code: string | null): string | null => (code !== null && isUnwatched(code) ? WORDS[code] : null);
