import { type Marker, type Sealer } from '../kernel/vault.js';
import { type CalendarObject, type Component, type CustomZones } from '../calendar/calendar-object.js';
import { type FeedComponent, type Upsert } from './feed.js';

/** Seals and marks for one calendar: what turns a provider's object into what may be stored. */
export type Ink = Readonly<{ calendarId: string; seal: Sealer['seal']; mark: Marker }>;

/** The keyed hash a remote object goes by in this calendar. */
export const refOf = ({ calendarId, mark }: Ink, remoteId: string): string => mark(`object:${calendarId}`, remoteId);

/** What the sealed blob of an object is authenticated with. */
export const objectName = (calendarId: string, ref: string): string => `object:${calendarId}:${ref}`;

/**
 * The same meeting in two calendars of a person has the same mark: the UID of its series, else organiser, start and title. The instance is
 * told apart by its original start, which stays readable. An override without UID, which RFC 5545 forbids, is of the only series it is stored with.
 */
const copyOf = (ink: Ink, component: Component, { components }: Pick<CalendarObject, 'components'>): string => {
  const { contents, start, recurrenceId } = component;
  if (contents.uid !== null) return ink.mark('copy-uid', contents.uid);
  const [series, ...others] = recurrenceId === null ? [] : components.filter((each) => each.recurrenceId === null);
  if (series !== undefined && others.length === 0) return copyOf(ink, series, { components });
  return ink.mark('copy', JSON.stringify([contents.organizer?.email ?? null, recurrenceId ?? start, contents.title]));
};

/**
 * Names a vendor gave to zones of its own may name people or places: in the feed they go by a mark of what they define, so that objects of one
 * series that are stored apart agree on them.
 */
const renameZones = ({ mark }: Ink, object: CalendarObject): Readonly<{ zones: CustomZones; name: (zone: string) => string }> => {
  const names = new Map(
    Object.entries(object.zones).map(([zone, observances]) => [zone, `custom:${mark('zone', JSON.stringify(observances))}`]),
  );
  return {
    zones: Object.fromEntries(Object.entries(object.zones).map(([zone, observances]) => [names.get(zone) ?? zone, observances])),
    name: (zone) => names.get(zone) ?? zone,
  };
};

const renamed = <T>(value: T, name: (zone: string) => string): T =>
  JSON.parse(JSON.stringify(value), (key, part: unknown) => (key === 'zone' && typeof part === 'string' ? name(part) : part)) as T;

/** The present form of an object for the feed, sealed and marked; `known` is the content hash held so far. */
export const toUpsert = (ink: Ink, object: CalendarObject, known: string | null): Upsert => {
  const ref = refOf(ink, object.remoteId);
  const { zones, name } = renameZones(ink, object);
  const bare: FeedComponent[] = object.components.map((component) => {
    const { contents: _, ...timing } = component;
    return { ...timing, copy: copyOf(ink, component, object) };
  });
  const components = Object.keys(zones).length === 0 ? bare : renamed(bare, name);
  const contents = object.components.map((component) => component.contents);
  // The default type adds nothing, so that what was stored before there were types still has the same hash.
  const kind = object.eventType === 'default' ? [] : [object.eventType];
  const hash = ink.mark('content', JSON.stringify([components, zones, contents, ...kind]));
  return {
    ref,
    series: object.seriesRemoteId === object.remoteId ? ref : refOf(ink, object.seriesRemoteId),
    changed: hash !== known,
    hash,
    components,
    zones,
    eventType: object.eventType,
    meeting: null,
    problems: object.problems,
    sealed: ink.seal(objectName(ink.calendarId, ref), JSON.stringify({ remoteId: object.remoteId, contents })),
  };
};
