/** What a fault means to the person whose calendar it is, and what to do about it; by its stable code. */
const REASONS: Readonly<Record<string, string>> = {
  'access-revoked': 'The calendar service no longer accepts the stored password: connect again with a new one.',
  throttled: 'The calendar service asked us to slow down. It is tried again by itself.',
  unavailable: 'The calendar service cannot be reached at the moment. It is tried again by itself.',
  'calendar-gone': 'This calendar no longer exists in the account.',
  forbidden: 'The account has no right to read this calendar: check how it is shared.',
  malformed: 'The calendar service answers in a way that makes no sense. The last good state is shown; it is tried again by itself.',
  'refused-address': 'The address of the calendar service is one this service does not call.',
  'mass-change-held':
    'More than half of this calendar would disappear at once. It is kept as it was and read again; ask for a sync to confirm the change now.',
};

export const reasonFor = (fault: string | null): string | null =>
  fault === null ? null : (REASONS[fault] ?? 'Something went wrong while reading. It is tried again by itself.');
