/** A calendar found in the account; `sealed` holds its name and remote id, in the bytes it had while neither changed. */
export type FoundCalendar = Readonly<{
  calendarId: string;
  writable: boolean;
  busyOnly: boolean;
  color: string | null;
  timeZone: string | null;
  sealed: string;
}>;

/** Whether two looks at an account found the same. */
export const sameCalendars = (known: readonly FoundCalendar[], found: readonly FoundCalendar[]): boolean => {
  const key = (calendars: readonly FoundCalendar[]): string =>
    JSON.stringify(
      calendars
        .map(({ calendarId, writable, busyOnly, color, timeZone, sealed }) => [calendarId, writable, busyOnly, color, timeZone, sealed])
        .sort(),
    );
  return key(known) === key(found);
};
