import { type CustomZones, type Observance } from '../../calendar/calendar-object.js';
import { formatWall, parseWall } from '../../time/civil.js';
import { Unexpandable } from '../../time/rrule.js';
import { findZone, isIanaZone } from '../../time/time-zone.js';
import { WINDOWS_ZONES } from '../windows-zones.js';
import { type Block } from './ics-blocks.js';
import { readTime } from '../ics-time.js';
import { propertiesOf, type Property } from '../ics.property.js';

/** Finds the zone a TZID means, and remembers which definitions of the resource's own were needed for it. */
export type ZoneReader = Readonly<{
  /** IANA name, `UTC`, an id in `custom`, or null when the TZID means nothing: the time is then floating. */
  zoneOf: (tzid: string | undefined) => string | null;
  custom: () => CustomZones;
}>;

const MOST_OBSERVANCES = 500;

const HEADER = new Set(['TZID', 'X-LIC-LOCATION']);
const OBSERVANCE = new Set(['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO', 'RRULE', 'RDATE']);

const offsetOf = (property: Property | null): number | null => {
  const match = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(property?.value.trim() ?? '');
  if (match === null) return null;
  const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
};

/** Walls in the offset before the observance; a UTC time, which some products write, is turned into one. */
const onsetOf = (value: string, offsetFrom: number): string | null => {
  const read = readTime(value.split('/', 1)[0] ?? '');
  if (read === null) return null;
  const wall = `${read.date}T${read.time ?? '00:00:00'}`;
  return read.utc ? formatWall((parseWall(wall) ?? 0) + offsetFrom) : wall;
};

const observanceOf = (block: Block): Observance | null => {
  const properties = propertiesOf(block, OBSERVANCE);
  const [offsetFrom, offsetTo] = [offsetOf(properties.first('tzoffsetfrom')), offsetOf(properties.first('tzoffsetto'))];
  if (offsetFrom === null || offsetTo === null) return null;
  const start = onsetOf(properties.first('dtstart')?.value ?? '', offsetFrom);
  const dates = properties.all('rdate').flatMap(({ value }) => value.split(',').map((each) => onsetOf(each, offsetFrom)));
  return start === null
    ? null
    : { start, offsetFrom, offsetTo, rule: properties.first('rrule')?.value.trim() ?? null, dates: dates.filter((each) => each !== null) };
};

/** Null when the definition cannot be used. */
const observancesOf = (block: Block): readonly Observance[] | null => {
  const observances = block.blocks.map(observanceOf).filter((each) => each !== null);
  const size = observances.reduce((sum, { dates }) => sum + 1 + dates.length, 0);
  if (size === 0 || size > MOST_OBSERVANCES) return null;
  try {
    return findZone('custom', { custom: observances }) === null ? null : observances;
  } catch (error) {
    if (error instanceof Unexpandable) return null;
    throw error;
  }
};

const OUTLOOK_UTC = 'tzone://microsoft/utc';

const windowsNames = new Map([...WINDOWS_ZONES].map(([name, zone]) => [name.toLowerCase(), zone]));

/** IANA names hidden in the end of ids such as `/mozilla.org/20050126_1/America/Argentina/Ushuaia`. */
const endings = (tzid: string): readonly string[] => {
  const segments = tzid.split('/');
  return segments.length < 3 ? [] : [3, 2].map((length) => segments.slice(-length).join('/'));
};

const namedZone = (tzid: string): string | null => {
  if (/^(?:utc|z|etc\/utc)$/i.test(tzid) || tzid.toLowerCase() === OUTLOOK_UTC) return 'UTC';
  if (isIanaZone(tzid)) return tzid;
  return windowsNames.get(tzid.toLowerCase()) ?? endings(tzid).find(isIanaZone) ?? null;
};

/** `GMT+0100`, `UTC-5`, `GMT+05:30`, `+0100`; the sign is the usual one, unlike that of `Etc/GMT-1`. */
const FIXED_OFFSET = /^\(?(?:(?:GMT|UTC?)([+-])(\d{1,2})(?::?([0-5]\d))?|([+-])(\d\d):?([0-5]\d))\)?$/i;

/** Clocks have never been further from UTC than this, in hours. */
const FURTHEST = 15;

/** The offset that an id names, in seconds east of UTC; null when it names none. */
const fixedOffset = (tzid: string): number | null => {
  const match = FIXED_OFFSET.exec(tzid.replace(/\s/g, ''));
  if (match === null) return null;
  const [sign, hours, minutes] = [match[1] ?? match[4], Number(match[2] ?? match[5]), Number(match[3] ?? match[6] ?? 0)];
  const seconds = hours * 3_600 + minutes * 60;
  if (hours > FURTHEST) return null;
  return sign === '-' ? 0 - seconds : seconds;
};

const definitionsOf = (blocks: readonly Block[]): ReadonlyMap<string, Readonly<{ block: Block; location: string | null }>> =>
  new Map(
    blocks.map((block) => {
      const properties = propertiesOf(block, HEADER);
      const location = properties.first('x-lic-location')?.value.trim() ?? null;
      return [properties.first('tzid')?.value.trim() ?? '', { block, location }];
    }),
  );

/**
 * Reads the TZIDs of one resource, given its VTIMEZONEs: the name of a place (IANA with its aliases; Windows;
 * the end of a path; X-LIC-LOCATION) before the definition, since definitions are often cut short or out of date; an offset that the id names
 * only when there is no definition. Zones of the resource's own are renamed `custom-1`, `custom-2`, for a TZID may hold anything.
 */
export const zoneReader = (timeZones: readonly Block[]): ZoneReader => {
  let definitions: ReturnType<typeof definitionsOf> | null = null;
  const zones = new Map<string, string | null>();
  const custom = new Map<string, readonly Observance[]>();
  const add = (observances: readonly Observance[]): string => {
    const id = `custom-${custom.size + 1}`;
    custom.set(id, observances);
    return id;
  };
  const defined = (tzid: string): string | null => {
    definitions ??= definitionsOf(timeZones);
    const definition = definitions.get(tzid);
    if (definition === undefined) return null;
    const place = definition.location === null ? null : namedZone(definition.location);
    const observances = place === null ? observancesOf(definition.block) : null;
    return observances === null ? place : add(observances);
  };
  const fixed = (tzid: string): string | null => {
    const offset = fixedOffset(tzid);
    if (offset === null) return null;
    return offset === 0 ? 'UTC' : add([{ start: '1970-01-01T00:00:00', offsetFrom: offset, offsetTo: offset, rule: null, dates: [] }]);
  };
  const zoneOf = (tzid: string | undefined): string | null => {
    if (tzid === undefined) return null;
    const id = tzid.trim();
    let zone = zones.get(id);
    if (zone === undefined) zones.set(id, (zone = namedZone(id) ?? defined(id) ?? fixed(id)));
    return zone;
  };
  return { zoneOf, custom: () => Object.fromEntries(custom) };
};
