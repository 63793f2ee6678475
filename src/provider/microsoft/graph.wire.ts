import { z } from 'zod';
import { ProviderFault } from '../calendar-provider.js';

/** What is missing or of another kind than it should be reads as absent: one odd field hides no event. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);

const flag = z.boolean().default(false).catch(false);

const optional = <T extends z.ZodType>(schema: T) =>
  schema
    .nullish()
    .transform((value) => value ?? null)
    .catch(null);

const time = optional(z.object({ dateTime: text, timeZone: text }));
const address = optional(z.object({ name: text, address: text }));
const answer = optional(z.object({ response: text }));

const event = z.object({
  ...{ id: text, '@odata.etag': text, type: text, seriesMasterId: text, iCalUId: text, lastModifiedDateTime: text },
  ...{
    subject: text,
    showAs: text,
    sensitivity: text,
    webLink: text,
    originalStart: text,
    originalStartTimeZone: text,
    originalEndTimeZone: text,
  },
  ...{ isAllDay: flag, isCancelled: flag, isOrganizer: flag, start: time, end: time, responseStatus: answer },
  body: optional(z.object({ content: text })),
  location: optional(z.object({ displayName: text })),
  organizer: optional(z.object({ emailAddress: address })),
  attendees: z
    .array(optional(z.object({ emailAddress: address, status: answer })))
    .default([])
    .catch([])
    .transform((people) => people.filter((each) => each !== null)),
  '@removed': z.unknown().optional(),
});

/** An event as it came, each field of the kind it should be or absent. */
export type GraphEvent = z.infer<typeof event>;

/** Null for what is no event at all. */
export const readEvent = (row: unknown): GraphEvent | null => event.safeParse(row).data ?? null;

const calendar = z.object({
  ...{ id: z.string().min(1), name: text, color: text, hexColor: text, canEdit: flag, isDefaultCalendar: flag },
  owner: address,
});

/** A line of the list of calendars. */
export type GraphCalendar = z.infer<typeof calendar>;

const page = z.object({ value: z.array(z.unknown()), '@odata.nextLink': text, '@odata.deltaLink': text });

/** A page of a list. `nextLink`: there is more, also when this page is empty; `deltaLink` is on the last page of a round only. */
export type GraphPage = Readonly<{ value: readonly unknown[]; nextLink: string | null; deltaLink: string | null }>;

const senseless = (): ProviderFault => new ProviderFault('malformed', 'Microsoft’s answer is no list');

/** Throws `malformed` for what is no page: a list that cannot be read is not an empty one. */
export const readPage = (answered: unknown): GraphPage => {
  const found = page.safeParse(answered).data;
  if (found === undefined) throw senseless();
  return { value: found.value, nextLink: found['@odata.nextLink'], deltaLink: found['@odata.deltaLink'] };
};

/** Throws `malformed` for a line without an id. */
export const readCalendar = (row: unknown): GraphCalendar => {
  const found = calendar.safeParse(row).data;
  if (found === undefined) throw senseless();
  return found;
};

const failure = z.object({ error: z.object({ code: text, message: text }) });

/** What an error answer says; empty for what is no error of Graph's, as some of its gateways answer. */
export const readRefusal = (answered: unknown): Readonly<{ code: string; message: string }> => {
  const { code, message } = failure.safeParse(answered).data?.error ?? { code: null, message: null };
  return { code: code ?? '', message: message ?? '' };
};
