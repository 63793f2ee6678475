import { type Json } from '../json.js';
import { PERSONAL_TENANT } from './account.js';
import { badQuery, type Content, itemNotFound, ok } from './answers.js';
import { type Shared } from './mailboxes.js';
import { numberOf, selected } from './query.js';
import { type GraphCall } from './world.js';

const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A calendar of one's own mailbox; others are shared with it. */
export const isOwn = ({ person }: Pick<GraphCall, 'person'>, { calendar }: Shared): boolean =>
  sameAddress(calendar.about.owner.address, person.email);

/** One's own calendars first, of which the first is the default one; null when there is none. */
export const defaultOf = (call: GraphCall): Shared | null =>
  call.world.mailboxes.listed(call.person).find((shared) => isOwn(call, shared)) ?? null;

const calendarJson = (call: GraphCall, shared: Shared): Json => {
  const { about, events } = shared.calendar;
  const { role, name } = shared.entry;
  const own = isOwn(call, shared);
  const isDefault = own && defaultOf(call)?.calendar === shared.calendar;
  const canEdit = about.editable !== false && (role === 'owner' || role === 'write');
  const meetings = call.person.tenant === PERSONAL_TENANT ? 'unknown' : 'teamsForBusiness';
  return {
    id: about.id,
    name: isDefault ? 'Calendar' : (name ?? about.name),
    color: about.color?.name ?? 'auto',
    hexColor: about.color?.hex ?? '',
    groupClassId: '0006f0b7-0000-0000-c000-000000000046',
    isDefaultCalendar: isDefault,
    changeKey: btoa(`${events.revision()}`.padStart(12, '0')),
    canShare: canEdit && own,
    canViewPrivateItems: own,
    canEdit,
    allowedOnlineMeetingProviders: canEdit ? [meetings] : [],
    defaultOnlineMeetingProvider: canEdit ? meetings : 'unknown',
    isTallyingResponses: isDefault,
    isRemovable: !isDefault,
    owner: about.owner,
  };
};

const contextOf = ({ world, person }: GraphCall, rest: string): string =>
  `${world.origin()}/v1.0/$metadata#users('${encodeURIComponent(person.email)}')/calendars${rest}`;

/** The one filter there is: calendars of a name. */
const filtered = (rows: readonly Json[], filter: string | null): readonly Json[] => {
  if (filter === null) return rows;
  const [, name] = /^name eq '(.*)'$/i.exec(filter.trim()) ?? [];
  return name === undefined
    ? badQuery('The query filter is not supported.')
    : rows.filter((row) => row['name'] === name.replaceAll("''", "'"));
};

/** `GET /me/calendars`. */
export const listCalendars = (call: GraphCall): Content => {
  const { world, person, query, path } = call;
  const all = filtered(
    world.mailboxes.listed(person).map((shared) => calendarJson(call, shared)),
    query.get('$filter'),
  );
  const skip = numberOf(query, '$skip', 0, [0, 1_000_000]);
  const size = Math.min(numberOf(query, '$top', 10, [1, 1_000]), call.take('short-pages')?.size ?? 1_000);
  const next = new URLSearchParams(query);
  next.set('$skip', String(skip + size));
  return ok({
    '@odata.context': contextOf(call, ''),
    value: all.slice(skip, skip + size).map((row) => selected(row, query)),
    ...(skip + size < all.length ? { '@odata.nextLink': `${world.origin()}${path}?${next.toString().replaceAll('%24', '$')}` } : {}),
  });
};

/** `GET /me/calendars/{id}`, and `/me/calendar`. */
export const getCalendar = (call: GraphCall, shared: Shared | null): Content =>
  ok({ '@odata.context': contextOf(call, '/$entity'), ...selected(calendarJson(call, shared ?? itemNotFound()), call.query) });
