import { type z } from 'zod';
import { NOTHING, type Content, itemNotFound, ok, refuse } from './answers.js';
import { type Found, eventNamed, occurrenceNamed } from './calendar-view.js';
import { type GraphBody } from './event.js';
import { ChangedEvent, NewEvent } from './event.wire.js';
import { etagOf, inherited } from './rendering.js';
import { type View } from './view.js';
import { type GraphCall } from './world.js';

/** What a body says; refuses one that is not JSON, or not of that kind. */
export const read = <T>(schema: z.ZodType<T>, body: string): T => {
  let content: unknown;
  try {
    content = JSON.parse(body) as unknown;
  } catch {
    return refuse(
      400,
      'BadRequest',
      'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
    );
  }
  const order = schema.safeParse(content);
  if (order.success) return order.data;
  const place = order.error.issues[0]?.path.join('.') ?? '';
  return refuse(400, 'ErrorPropertyValidationFailure', `At least one property failed validation: ${place}.`);
};

const isEditable = ({ calendar, entry }: View): boolean =>
  calendar.about.editable !== false && (entry.role === 'owner' || entry.role === 'write');

const refuseReaders = (view: View): void => {
  if (!isEditable(view)) refuse(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
};

const shown = (call: GraphCall, view: View, key: string): Content['content'] => {
  const context = `${call.world.origin()}/v1.0/$metadata#users('${encodeURIComponent(call.person.email)}')/events/$entity`;
  return { '@odata.context': context, ...(eventNamed(call, view, key) ?? itemNotFound()) };
};

/** `POST …/events`; a repeated `transactionId` answers with the event of the first. */
export const createEvent = (call: GraphCall, view: View): Content => {
  refuseReaders(view);
  const event: GraphBody = read(NewEvent, call.body);
  const transaction = event['transactionId'];
  const earlier =
    typeof transaction === 'string'
      ? view.calendar.events.since(0).find(({ value }) => !value.removed && value.body['transactionId'] === transaction)
      : undefined;
  if (earlier !== undefined && call.take('transaction-conflict') !== null)
    refuse(409, 'ErrorDuplicateTransactionId', 'Your request cannot be completed: another with the same transactionId was processed.');
  const { id: _, ...body } = event;
  const key = earlier?.key ?? call.world.mailboxes.putEvent(view.calendar.about.id, body);
  const content = shown(call, view, key);
  return { status: 201, content, headers: { location: `${call.world.origin()}/v1.0/me/events/${String(content?.['id'])}` } };
};

const checkVersion = ({ ifMatch }: GraphCall, etag: string): void => {
  if (ifMatch !== null && ifMatch !== '*' && ifMatch !== etag)
    refuse(
      412,
      'ErrorIrresolvableConflict',
      'The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.',
    );
};

const changeOccurrence = (call: GraphCall, view: View, { master, occurrence }: Found, change: GraphBody): void => {
  const { key, original, start, end, exception } = occurrence;
  checkVersion(call, etagOf(exception ?? master));
  if (change.recurrence !== undefined && change.recurrence !== null)
    refuse(400, 'ErrorInvalidOperation', 'An occurrence cannot have a recurrence of its own.');
  const earlier =
    exception === null
      ? { ...inherited(master, { ...master, value: { ...master.value, body: {} } }), start, end }
      : inherited(master, exception);
  call.world.mailboxes.putEvent(view.calendar.about.id, {
    ...earlier,
    ...change,
    id: key,
    seriesMasterId: master.key,
    originalStart: original,
  });
};

/** `PATCH …/events/{id}`; a changed occurrence becomes an exception. */
export const changeEvent = (call: GraphCall, view: View, key: string): Content => {
  refuseReaders(view);
  const { mailboxes } = call.world;
  const change: GraphBody = read(ChangedEvent, call.body);
  const found = occurrenceNamed(mailboxes, view, key);
  if (found !== null) changeOccurrence(call, view, found, change);
  else {
    const event = mailboxes.live(view.calendar, key) ?? itemNotFound();
    checkVersion(call, etagOf(event));
    mailboxes.putEvent(view.calendar.about.id, { ...event.value.body, ...change, id: key });
  }
  return ok(shown(call, view, key) ?? {});
};

/** `DELETE …/events/{id}`: an event, a whole series, or one occurrence of it. */
export const deleteEvent = (call: GraphCall, view: View, key: string): Content => {
  refuseReaders(view);
  const { mailboxes } = call.world;
  const calendar = view.calendar.about.id;
  const found = occurrenceNamed(mailboxes, view, key);
  if (found !== null) {
    checkVersion(call, etagOf(found.occurrence.exception ?? found.master));
    mailboxes.removeOccurrence(calendar, found.master.key, found.occurrence.original);
    return NOTHING;
  }
  const event = mailboxes.live(view.calendar, key) ?? itemNotFound();
  checkVersion(call, etagOf(event));
  mailboxes.removeEvent(calendar, key);
  return NOTHING;
};
