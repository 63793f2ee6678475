import { type Item } from '../test/support/calendar-item.js';
import { seedItems } from '../test/support/seed.js';
import { today } from '../test/support/whole-window.js';

/** Kinds of accounts, in equal parts but for CalDAV, half of which is Apple's. */
export type Kind = 'google' | 'microsoft' | 'caldav' | 'apple';

const KINDS: readonly Kind[] = ['google', 'microsoft', 'caldav', 'google', 'microsoft', 'apple'];

/** A calendar as its owner means it: what the simulator of its service was told, by the UIDs of its objects. */
export type CrowdCalendar = Readonly<{ id: string; items: Map<string, Item> }>;

/**
 * What a person allows on the consent page: `all`, `reading` although writing is asked for too, or `nothing` that a connection can live by. Only Google's
 * people can allow a part; Microsoft's can deny.
 */
export type Allows = 'all' | 'reading' | 'nothing';

/** Somebody with one account; `name` is who they are at the service. */
export type CrowdPerson = Readonly<{
  name: string;
  email: string;
  kind: Kind;
  allows: Allows;
  calendars: readonly [CrowdCalendar, CrowdCalendar];
}>;

/** Google splits a series where this and all later instances change, so it has no such overrides. */
const atGoogle = (item: Item): Item => ({ ...item, overrides: item.overrides.map((override) => ({ ...override, thisAndFuture: false })) });

/** Graph has no free rules: every series is weekly at first. */
const atMicrosoft = (item: Item): Item =>
  item.rule === null ? item : { ...item, rule: 'FREQ=WEEKLY;COUNT=8', until: null, exdates: [], rdates: [], overrides: [] };

/** An item as a kind of service can have it. */
export const fitting: Readonly<Record<Kind, (item: Item) => Item>> = {
  google: atGoogle,
  microsoft: atMicrosoft,
  caldav: (item) => item,
  apple: (item) => item,
};

const IDS: Readonly<Record<Kind, (email: string) => readonly [string, string]>> = {
  google: (email) => [email, `c_${email.replace(/@.*/, '')}@group.calendar.google.com`],
  microsoft: (email) => [`AQMk/${email}/1==`, `AQMk/${email}/2==`],
  caldav: () => ['home', 'work'],
  apple: () => ['home', 'work'],
};

/** One of this many people allows a part only, and one nothing. */
const PARTIAL = 40;

const allowsOf = (kind: Kind, index: number): Allows => {
  if (kind === 'google' && index % PARTIAL === 0) return 'reading';
  return (kind === 'google' || kind === 'microsoft') && Math.floor(index / 2) % PARTIAL === PARTIAL / 2 ? 'nothing' : 'all';
};

/** So many people, each with two calendars of so many events, a fifth of them series. Equal seeds make equal people on the same day. */
export const crowdOf = (people: number, events: number, seed: number): readonly CrowdPerson[] =>
  Array.from({ length: people }, (_, index): CrowdPerson => {
    const kind = KINDS[index % KINDS.length] ?? 'caldav';
    const email = `${kind}${index}@crowd.example`;
    const calendarOf = (id: string, place: number): CrowdCalendar => {
      const items = seedItems({ events, seed: seed * 10_000 + index * 2 + place, from: new Date(today) }).map(fitting[kind]);
      return { id, items: new Map(items.map((item) => [item.uid, item])) };
    };
    const [first, second] = IDS[kind](email);
    return { name: `person${index}`, email, kind, allows: allowsOf(kind, index), calendars: [calendarOf(first, 0), calendarOf(second, 1)] };
  });

/** Whether a connection comes of it. */
export const isLinked = ({ allows }: CrowdPerson): boolean => allows !== 'nothing';

/** Whether the service of an account tells of changes. */
export const isTold = ({ kind }: CrowdPerson): boolean => kind === 'google' || kind === 'microsoft';
