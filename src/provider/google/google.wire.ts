import { z } from 'zod';
import { ProviderFault } from '../calendar-provider.js';

/** What is missing or of another kind than it should be reads as absent: one odd field hides no event. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);

const flag = z.boolean().default(false).catch(false);

const time = z
  .object({ date: text, dateTime: text, timeZone: text })
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);

const person = z
  .object({ email: text, displayName: text, self: flag, organizer: flag, responseStatus: text })
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);

const event = z.object({
  ...{ id: text, etag: text, status: text, recurringEventId: text, eventType: text, transparency: text, visibility: text },
  ...{ summary: text, location: text, description: text, htmlLink: text, iCalUID: text },
  ...{ start: time, end: time, originalStartTime: time, organizer: person },
  attendees: z
    .array(person)
    .default([])
    .catch([])
    .transform((people) => people.filter((each) => each !== null)),
  /** RFC 5545 lines; what is no text is an empty one. */
  recurrence: z.array(z.string().catch('')).nullish().catch(['']),
});

/** An event as it came, each field of the kind it should be or absent. */
export type GoogleEvent = z.infer<typeof event>;

/** Null for what is no event at all. */
export const readEvent = (row: unknown): GoogleEvent | null => event.safeParse(row).data ?? null;

const calendar = z.object({
  ...{ id: z.string().min(1), summary: text, summaryOverride: text, timeZone: text, backgroundColor: text, accessRole: text },
  ...{ primary: flag, hidden: flag, deleted: flag },
});

/** A line of the calendar list. */
export type GoogleCalendar = z.infer<typeof calendar>;

const page = z.object({
  items: z.array(z.unknown()).optional(),
  kind: text,
  timeZone: text,
  nextPageToken: text,
  nextSyncToken: text,
});

/** A page of a list. `nextPageToken`: there is more, also when this page is empty; `nextSyncToken` is on the last page only. */
export type GooglePage = Readonly<{
  items: readonly unknown[];
  timeZone: string | null;
  nextPageToken: string | null;
  nextSyncToken: string | null;
}>;

const senseless = (): ProviderFault => new ProviderFault('malformed', 'Google’s answer is no list');

/** Throws `malformed` for what is no page: a list that cannot be read is not an empty one. */
export const readPage = (answer: unknown, kind: 'calendar#events' | 'calendar#calendarList'): GooglePage => {
  const found = page.safeParse(answer).data;
  if (found === undefined || (found.items === undefined && found.kind !== kind)) throw senseless();
  const { items = [], timeZone, nextPageToken, nextSyncToken } = found;
  return { items, timeZone, nextPageToken, nextSyncToken };
};

/** Throws `malformed` for a line without an id. */
export const readCalendar = (row: unknown): GoogleCalendar => {
  const found = calendar.safeParse(row).data;
  if (found === undefined) throw senseless();
  return found;
};

const failure = z.object({
  error: z.union([
    z.object({
      errors: z.array(z.object({ reason: text, location: text })).catch([]),
      details: z.array(z.object({ reason: text })).catch([]),
      status: text,
    }),
    z.string(),
  ]),
});

/** Reasons that an error answer gives, most telling first; none for what is no error of Google's. */
export const readReasons = (answer: unknown): readonly string[] => {
  const error = failure.safeParse(answer).data?.error;
  if (error === undefined) return [];
  if (typeof error === 'string') return [error];
  const reasons = [...error.errors, ...error.details].map(({ reason }) => reason);
  return [...reasons, error.status].filter((reason) => reason !== null);
};
