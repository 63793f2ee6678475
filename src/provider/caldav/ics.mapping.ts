import { type CalendarObject, type Component } from '../../calendar/calendar-object.js';
import { UnreadableObject } from '../unreadable-object.js';
import { type Block, blocksOf } from './ics-blocks.js';
import { componentOf, word } from './ics.component.js';
import { type Properties, propertiesOf, textOf } from '../ics.property.js';
import { type ZoneReader, zoneReader } from './ics.zones.js';

/** Version of how resources are read: a change of what is read of the same text adds one, and every calendar is read again within a day. */
export const MAPPING = 3;

/** What a resource does not say about itself; `ownAddresses`: e-mails or calendar user addresses of the account. */
export type ResourceSource = Readonly<{ remoteId: string; etag: string | null; ownAddresses: readonly string[] }>;

const READ = new Set(
  (
    'UID DTSTART DTEND DURATION RRULE EXRULE RDATE EXDATE RECURRENCE-ID STATUS TRANSP CLASS SEQUENCE ORGANIZER ATTENDEE SUMMARY DESCRIPTION ' +
    'LOCATION URL X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-ALLDAYEVENT X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT'
  ).split(' '),
);

const identityOf = (properties: Properties): string => {
  const id = properties.first('recurrence-id');
  return JSON.stringify([properties.first('uid')?.value, id?.value, id?.params['tzid']]);
};

/** Of several versions of one component the one with the highest SEQUENCE holds, of equals the last. */
const latest = (events: readonly Properties[]): readonly Properties[] => {
  const held = new Map<string, Readonly<{ sequence: number; properties: Properties }>>();
  for (const properties of events) {
    const identity = identityOf(properties);
    const sequence = Number(word(properties, 'sequence')) || 0;
    if (sequence >= (held.get(identity)?.sequence ?? -Infinity)) held.set(identity, { sequence, properties });
  }
  return [...held.values()].map(({ properties }) => properties);
};

const calendarsOf = (text: string): readonly Block[] => {
  const blocks = blocksOf(text);
  if (blocks.length === 0 || blocks.some(({ name }) => name !== 'VCALENDAR')) throw new UnreadableObject('object.not-icalendar');
  return blocks.flatMap((calendar) => calendar.blocks);
};

const uidOf = (properties: Properties): string | null => textOf(properties.first('uid'));

/** Code of an object's problem when a component or a date of it makes no sense and the rest does. */
const LOST = 'component.bad-time';

/** Reads the masters first, because an override may leave to its master what it does not change; answers all in the order of the text. */
const componentsOf = (
  events: readonly Properties[],
  reader: ZoneReader,
  own: ReadonlySet<string>,
): Pick<CalendarObject, 'components' | 'problems'> => {
  const read = new Map<Properties, Component>();
  const masters = new Map<string | null, Component>();
  const problems = new Set<string>();
  const failures: UnreadableObject[] = [];
  const lost = (): void => void problems.add(LOST);
  const isOverride = (properties: Properties): boolean => properties.first('recurrence-id') !== null;
  for (const properties of [...events].sort((a, b) => Number(isOverride(a)) - Number(isOverride(b)))) {
    const uid = uidOf(properties);
    try {
      const component = componentOf({ properties, reader, master: masters.get(uid) ?? null, lost }, own);
      read.set(properties, component);
      if (component.recurrenceId === null) masters.set(uid, component);
    } catch (error) {
      if (!(error instanceof UnreadableObject)) throw error;
      failures.push(error);
      lost();
    }
  }
  if (failures[0] !== undefined && read.size === 0) throw failures[0];
  return { components: events.flatMap((properties) => read.get(properties) ?? []), problems: [...problems] };
};

/**
 * Reads one CalDAV resource: its VEVENTs, in the order of the text, and the zones of their own that they use. A component or a date that no
 * clock shows is left out and counted as a problem of the object. Throws `UnreadableObject` with a stable code for a text that is no
 * iCalendar, holds no event, is too large, or has no component that can be read. A rule that cannot be understood is told by `expand`.
 */
export const parseResource = (text: string, source: ResourceSource): CalendarObject => {
  const blocks = calendarsOf(text);
  const events = blocks.filter(({ name }) => name === 'VEVENT').map((block) => propertiesOf(block, READ));
  if (events.length === 0) throw new UnreadableObject('object.no-event');
  const reader = zoneReader(blocks.filter(({ name }) => name === 'VTIMEZONE'));
  const own = new Set(source.ownAddresses.map((address) => address.trim().toLowerCase()));
  const { components, problems } = componentsOf(latest(events), reader, own);
  const { remoteId, etag } = source;
  return { remoteId, etag, seriesRemoteId: remoteId, components, zones: reader.custom(), eventType: 'default', problems };
};
