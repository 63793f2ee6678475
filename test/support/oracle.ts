import { get } from 'node:http';
import { RRuleTemporal } from 'rrule-temporal';
import { DAY, stamp, type Wall } from './calendar-item.js';

/**
 * What a CalDAV server holds, found without any of the service's own code: iCalendar text read line by line, rules expanded by
 * rrule-temporal, overrides and exceptions applied by hand. It knows what calendar-item.ts writes, and no more.
 */

/** As `GET /v1/calendar/events` tells it: instants, or for all-day events full-dates. */
export type Found = Readonly<{ title: string; start: string; end: string; allDay: boolean }>;

/** An occurrence with the names it has inside its object. */
export type Instance = Found &
  Readonly<{
    uid: string;
    /** Start of the instance by the rule alone, on the clock of the series. */
    of: Wall;
  }>;

/** Epoch milliseconds, half-open. */
export type Range = Readonly<{ from: number; to: number }>;

type Property = Readonly<{ name: string; parameters: string; value: string }>;
type Component = readonly Property[];
type Point = Readonly<{ wall: Wall; zone: string | null; at: number }>;

const PROPERTY = /^([A-Z-]+)((?:;[^:;]+)*):(.*)$/;

const componentsIn = (ics: string): readonly Component[] => {
  const found: Property[][] = [];
  let open: Property[] | null = null;
  for (const line of ics.replaceAll(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
    if (line === 'BEGIN:VEVENT') found.push((open = []));
    const [, name, parameters, value] = PROPERTY.exec(line) ?? [];
    if (name !== undefined && parameters !== undefined && value !== undefined) open?.push({ name, parameters, value });
    if (line === 'END:VEVENT') open = null;
  }
  return found;
};

const all = (component: Component, name: string): readonly Property[] => component.filter((property) => property.name === name);
const valueOf = (component: Component, name: string): string => all(component, name)[0]?.value ?? '';

const wallOf = (text: string): Wall => {
  const [, year, month, day, hour = '00', minute = '00', second = '00'] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?Z?$/.exec(text) ?? [];
  return Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour}:${minute}:${second}Z`);
};

const starts = (rule: string, wall: Wall, zone: string | null, range: Range | null): readonly Readonly<{ wall: Wall; at: number }>[] => {
  const start = zone === null ? `DTSTART:${stamp(wall, false)}Z` : `DTSTART;TZID=${zone}:${stamp(wall, false)}`;
  // Days are expanded as midnights of UTC, and so is their UNTIL.
  const spelled = zone === null ? rule.replace(/UNTIL=(\d{8})$/, 'UNTIL=$1T000000Z').replace(/UNTIL=(\d{8});/, 'UNTIL=$1T000000Z;') : rule;
  const series = new RRuleTemporal({ rruleString: `${start}\nRRULE:${spelled}`, cache: false });
  const found = range === null ? series.all() : series.between(new Date(range.from), new Date(range.to), true);
  return found.map((each) => {
    const text = each.toString();
    return { wall: Date.parse(`${text.slice(0, 19)}Z`), at: Date.parse(text.replace(/\[.*$/, '')) };
  });
};

const instants = new Map<string, number>();

const instantOf = (wall: Wall, zone: string | null): number => {
  if (zone === null || zone === 'UTC') return wall;
  const name = `${zone} ${wall}`;
  const known = instants.get(name) ?? starts('FREQ=DAILY;COUNT=1', wall, zone, null)[0]?.at ?? Number.NaN;
  instants.set(name, known);
  return known;
};

const pointOf = ({ parameters, value }: Property): Point => {
  const wall = wallOf(value);
  const zone = value.endsWith('Z') ? 'UTC' : (/;TZID=([^;]+)/.exec(parameters)?.[1] ?? null);
  return { wall, zone, at: instantOf(wall, zone) };
};

const pointsOf = (component: Component, name: string): readonly Point[] =>
  all(component, name).flatMap((property) => property.value.split(',').map((value) => pointOf({ ...property, value })));

const pointIn = (component: Component, name: string): Point =>
  pointsOf(component, name)[0] ?? { wall: Number.NaN, zone: null, at: Number.NaN };

const lengthOf = (component: Component): number => pointIn(component, 'DTEND').at - pointIn(component, 'DTSTART').at;

type Placed = Readonly<{ component: Component; wall: Wall; of: Wall }>;

const found = (uid: string, { component, wall, of }: Placed): Instance & Readonly<{ at: number; until: number }> => {
  const { zone } = pointIn(component, 'DTSTART');
  const [at, length] = [instantOf(wall, zone), lengthOf(component)];
  const text = (moment: number): string => new Date(moment).toISOString().slice(0, zone === null ? 10 : undefined);
  const title = valueOf(component, 'SUMMARY').replaceAll(/\\([\\;,])/g, '$1');
  return { uid, of, title, start: text(at), end: text(at + length), allDay: zone === null, at, until: at + length };
};

const isCancelled = (component: Component): boolean => valueOf(component, 'STATUS') === 'CANCELLED';
const isFuture = (component: Component): boolean => all(component, 'RECURRENCE-ID')[0]?.parameters.includes('THISANDFUTURE') ?? false;

/** What moves instances, moves them by less than this. */
const MARGIN = 60 * DAY;

const seriesInstances = (master: Component, overrides: readonly Component[], range: Range): readonly Placed[] => {
  const start = pointIn(master, 'DTSTART');
  const rule = valueOf(master, 'RRULE');
  const wide = { from: range.from - MARGIN, to: range.to + MARGIN };
  const ruled = rule === '' ? [start] : starts(rule, start.wall, start.zone, wide);
  const excluded = new Set(pointsOf(master, 'EXDATE').map(({ at }) => at));
  const replaced = overrides.map((component) => ({ component, of: pointIn(component, 'RECURRENCE-ID') }));
  const own = new Set(replaced.map(({ of }) => of.at));
  const futures = replaced.filter(({ component }) => isFuture(component)).sort((a, b) => a.of.at - b.of.at);
  const regular = new Map([...ruled, ...pointsOf(master, 'RDATE')].map((each) => [each.at, each]));
  const placed = [...regular.values()].flatMap(({ wall, at }): Placed[] => {
    if (excluded.has(at) || own.has(at)) return [];
    const future = futures.findLast(({ of }) => of.at < at);
    if (future === undefined) return [{ component: master, wall, of: wall }];
    const shift = pointIn(future.component, 'DTSTART').wall - future.of.wall;
    return isCancelled(future.component) ? [] : [{ component: future.component, wall: wall + shift, of: wall }];
  });
  const changed = replaced
    .filter(({ component, of }) => !isCancelled(component) && !excluded.has(of.at))
    .map(({ component, of }) => ({ component, wall: pointIn(component, 'DTSTART').wall, of: of.wall }));
  return [...placed, ...changed];
};

/** Occurrences of all objects in the text that overlap the range, in no particular order. */
export const instancesIn = (ics: string, range: Range): readonly Instance[] => {
  const objects = new Map<string, Component[]>();
  for (const component of componentsIn(ics)) {
    const uid = valueOf(component, 'UID');
    objects.set(uid, [...(objects.get(uid) ?? []), component]);
  }
  return [...objects].flatMap(([uid, components]) => {
    const master = components.find((component) => all(component, 'RECURRENCE-ID').length === 0);
    if (master === undefined || isCancelled(master)) return [];
    const overrides = components.filter((component) => component !== master);
    return seriesInstances(master, overrides, range)
      .map((placed) => found(uid, placed))
      .filter(({ at, until }) => at < range.to && until > range.from);
  });
};

/** One line per occurrence, sorted: two calendars are equal when these are. */
export const lines = (
  occurrences: readonly Readonly<{ title: string | null; start: string; end: string; allDay: boolean }>[],
): readonly string[] =>
  occurrences.map(({ title, start, end, allDay }) => `${start} ${end} ${allDay ? 'all day ' : ''}${title ?? ''}`).sort();

/** Everything a calendar holds, as its server gives it to a plain GET of the collection. */
export const heldBy = (calendar: string, user: string, password: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(calendar, { auth: `${user}:${password}`, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve(Buffer.concat(parts).toString());
      });
    }).on('error', reject);
  });
