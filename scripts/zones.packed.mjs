// Turns the packed data of moment-timezone into the text that src/time/time-zone-iana.ts reads.

const DAY = 86_400;
/** Earlier, the offset of 1900 holds: products that write 1601 as the start of a rule mean no local mean time. */
const FIRST = Date.UTC(1900, 0, 1) / 1_000;
/** Years in which a yearly rule shows every weekday on every day it can take. */
const SPAN = 28;

const digitOf = (char) => {
  const code = char.charCodeAt(0);
  return code > 96 ? code - 87 : code > 64 ? code - 29 : code - 48;
};

/** Seconds of a count of minutes in base 60, which may have a fraction. */
const secondsOf = (text) => {
  const [whole, fraction = ''] = text.replace('-', '').split('.');
  const minutes = [...whole].reduce((sum, char) => sum * 60 + digitOf(char), 0);
  const seconds = [...fraction].reduce((sum, char, index) => sum + digitOf(char) * 60 ** -index, 0);
  return (text.startsWith('-') ? -1 : 1) * (minutes * 60 + Math.round(seconds));
};

/** Name, offset before the first change, and the changes of offset, in seconds: `offset` is east of UTC. */
const unpack = (text) => {
  const [name, , offsets, indices, differences] = text.split('|');
  const east = offsets.split(' ').map((each) => -secondsOf(each) + 0);
  const changes = [];
  let [at, first] = [0, east[digitOf(indices[0])]];
  for (const [index, difference] of (differences === '' ? [] : differences.split(' ')).entries()) {
    at = (index === 0 ? 0 : at) + secondsOf(difference);
    const offset = east[digitOf(indices[index + 1])];
    if (at <= FIRST) first = offset;
    else if (offset !== (changes.at(-1)?.offset ?? first)) changes.push({ at, offset });
  }
  return { name, first, changes };
};

const march = (year) => Date.UTC(year, 2, 1) / 1_000;

/** The year that begins with March, so that a leap day ends it, and the days since then. */
const placeOf = ({ at }) => {
  const calendarYear = new Date(at * 1_000).getUTCFullYear();
  const year = at < march(calendarYear) ? calendarYear - 1 : calendarYear;
  const day = Math.floor((at - march(year)) / DAY);
  return { year, day, weekday: (Math.floor(at / DAY) + 3) % 7, second: at % DAY };
};

/** The instant a rule gives in a year: its weekday on or after its day. */
const instantIn = (year, { day, weekday, second }) => {
  const earliest = march(year) / DAY + day;
  return (earliest + ((weekday - ((earliest + 3) % 7) + 7) % 7)) * DAY + second;
};

/** What the last years of a zone have in common, as rules in UTC; none when its clock has come to rest. */
const rulesOf = (changes, lastYear) => {
  const seen = new Map();
  for (const change of changes) {
    const place = placeOf(change);
    if (place.year <= lastYear - SPAN || place.year > lastYear) continue;
    const key = `${place.weekday} ${place.second} ${change.offset}`;
    const held = seen.get(key);
    seen.set(key, { ...place, day: Math.min(place.day, held?.day ?? place.day), offset: change.offset });
  }
  return [...seen.values()].sort((a, b) => a.day - b.day);
};

const byYear = (changes) => {
  const years = new Map();
  for (const change of changes) {
    const { year } = placeOf(change);
    years.set(year, [...(years.get(year) ?? []), change]);
  }
  return years;
};

/** The first year from which on the rules give every change there is, and no other. */
const ruledFrom = (changes, rules, lastYear) => {
  const years = byYear(changes);
  const given = (year) => rules.map((rule) => ({ at: instantIn(year, rule), offset: rule.offset }));
  let year = lastYear + 1;
  while (JSON.stringify(years.get(year - 1)) === JSON.stringify(given(year - 1))) year -= 1;
  return year;
};

const base36 = (value) => value.toString(36);

/** `name,alias,...|offsets|changes|rules`, see time-zone-iana.ts. */
const packZone = ({ name, first, changes }, aliases) => {
  const lastYear = changes.length === 0 ? 0 : placeOf(changes.at(-1)).year - 1;
  const rules = lastYear < 2_100 ? [] : rulesOf(changes, lastYear);
  const from = rules.length === 0 ? Infinity : ruledFrom(changes, rules, lastYear);
  if (from > 2_100 && rules.length > 0) throw new Error(`${name} has changes after 2100 and no yearly rule`);
  const listed = changes.filter((change) => rules.length === 0 || placeOf(change).year < from);
  const offsets = [...new Set([first, ...changes.map(({ offset }) => offset)])];
  const indexOf = (offset) => base36(offsets.indexOf(offset));
  const told = listed.map(({ at, offset }, index) => indexOf(offset) + base36(at - (index === 0 ? FIRST : listed[index - 1].at)));
  const ruled = rules.map(({ day, weekday, second, offset }) => [day, weekday, second, offsets.indexOf(offset)].map(base36).join('.'));
  const tail = rules.length === 0 ? '' : [from, ...ruled].join(' ');
  return [[name, ...aliases].join(), offsets.map(base36).join(' '), told.join(' '), tail].join('|');
};

/** One line a zone, in the order of their names; `links` are `zone|alias`. */
export const packZones = (zones, links) => {
  const aliasesOf = (name) => links.filter((link) => link.startsWith(`${name}|`)).map((link) => link.slice(name.length + 1));
  return zones
    .map(unpack)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((zone) => packZone(zone, aliasesOf(zone.name).sort()));
};
