import { answered, type GoogleAnswer, invalid, notFound } from './answers.js';
import { type Change } from '../change-log.js';
import { pageAnswer } from './event-list.js';
import { secondsOf, type StoredEvent } from './event.js';
import { flagOf, instantOf, repeatedOf, sizeOf } from './parameters.js';
import { eventEtag, instanceRow, rowOf, type View, wholeOf } from './rendering.js';
import { type Instance, instancesOf } from './series.js';
import { syncTokenOf } from './tokens.js';
import { type ApiCall } from './world.js';

const ALWAYS = { start: Date.UTC(1900, 0), end: Date.UTC(2100, 0) };

const DAY = 86_400_000;

/** The series an instance's id belongs to, and its days: enough of them for the id to be found. */
const instanceNamed = (
  { world }: ApiCall,
  view: View,
  id: string,
): Readonly<{ master: Change<StoredEvent>; instance: Instance }> | null => {
  const [, masterId = '', date = ''] = /^(.+)_(\d{8})(?:T\d{6}Z)?$/.exec(id) ?? [];
  const master = view.calendar.events.get(masterId);
  if (master?.value.body.recurrence === undefined || master.value.status === 'cancelled') return null;
  const day = Date.parse(date.replace(/(....)(..)(..)/, '$1-$2-$3'));
  const zone = view.calendar.about.timeZone;
  const { start = {}, end = start } = master.value.body;
  const length = ((secondsOf(end, zone) ?? 0) - (secondsOf(start, zone) ?? 0)) * 1_000;
  const near = { start: day - 2 * DAY, end: day + 2 * DAY + length };
  const exceptions = world.calendars.exceptionsOf(view.calendar, masterId);
  const instance = instancesOf(master.value, exceptions, near, zone).find((each) => each.id === id);
  return instance === undefined ? null : { master, instance };
};

/** `events.get`: a series, an exception, a single event, or one instance of a series by its id. Deleted ones are cancelled, and there. */
export const getEvent = (call: ApiCall, view: View, id: string): GoogleAnswer => {
  const change = view.calendar.events.get(id);
  if (change !== null) return answered(wholeOf(view, change), { etag: eventEtag(change) });
  const found = instanceNamed(call, view, id);
  return found === null ? notFound() : answered(instanceRow(view, found.master, found.instance), { etag: eventEtag(found.master) });
};

const rangeOf = ({ query, world }: ApiCall): Readonly<{ start: number; end: number }> => ({
  start: instantOf(query.get('timeMin'), 'timeMin') ?? ALWAYS.start,
  end: instantOf(query.get('timeMax'), 'timeMax') ?? world.clock.now() + 2 * 365 * DAY,
});

/** `events.instances` of a series, or of one of its instances. */
export const instances = (call: ApiCall, view: View, id: string): GoogleAnswer => {
  const { query, world, person } = call;
  const zone = view.calendar.about.timeZone;
  const master = view.calendar.events.get(id);
  const named = master === null ? instanceNamed(call, view, id) : null;
  if (master === null && named === null) return notFound();
  const size = sizeOf(query, 250, 2_500);
  const repeated = repeatedOf(query, `${person.email} ${view.calendar.about.id} ${id}`);
  const pageToken = query.get('pageToken');
  if (pageToken !== null)
    return world.pages.at(pageToken, repeated) === null ? invalid('pageToken') : pageAnswer(call, view, pageToken, size);
  const exceptions = master === null ? [] : world.calendars.exceptionsOf(view.calendar, id);
  const isLive = master !== null && master.value.status !== 'cancelled';
  const found = isLive ? instancesOf(master.value, exceptions, rangeOf(call), zone) : [];
  const holes = flagOf(query, 'showDeleted') === true ? exceptions.filter(({ value }) => value.status === 'cancelled') : [];
  const rows = [
    ...found.map((instance) => () => (master === null ? {} : instanceRow(view, master, instance))),
    ...(named === null ? [] : [() => instanceRow(view, named.master, named.instance)]),
    ...holes.map((hole) => () => rowOf(view, hole)),
  ];
  const sticky = { singleEvents: true, timeMin: null, timeMax: null, eventTypes: [] };
  const subject = `${person.email} ${view.calendar.about.id} instances`;
  const point = { life: world.life, subject, era: 0, revision: view.calendar.events.revision(), sticky };
  return pageAnswer(call, view, world.pages.first({ rows, query: repeated, nextSyncToken: syncTokenOf(point) }), size);
};
