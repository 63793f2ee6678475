import ICAL from 'ical.js';
import { plainText } from './plain-text.js';

/** A content line: parameter names are in lower case, the value is raw. `type` is the VALUE parameter in lower case, or `unknown`. */
export type Property = Readonly<{ name: string; params: Readonly<Record<string, string | undefined>>; type: string; value: string }>;

/** Properties of one component that we read, by name in lower case, in the order of the text. */
export type Properties = Readonly<{ all: (name: string) => readonly Property[]; first: (name: string) => Property | null }>;

/**
 * ical.js knows how to cut a content line (quotes, RFC 6868 carets); with an empty design it leaves the values alone. Its own values lose
 * what we need: a TZID without VTIMEZONE becomes floating, and one odd rule or date fails the whole text.
 */
type Design = NonNullable<Parameters<typeof ICAL.parse.property>[1]>;
const RAW = { property: {}, value: {}, param: {} } as unknown as Design;

/** Some products leave `TZID=tzone://Microsoft/Custom` and `TZID=GMT+01:00` without the quotes their colons need. */
const quoted = (line: string): string => line.replace(/;TZID=(tzone:[^:;"]*|[^:;"]*[+-]\d{1,2}:\d\d\)?)(?=[:;])/i, ';TZID="$1"');

const cut = (line: string): Property | null => {
  try {
    const [name, params, type, value] = ICAL.parse.property(quoted(line), RAW) as [string, Record<string, string>, string, string];
    return { name, params, type, value };
  } catch {
    // An unreadable line is no reason to hide an event; a missing start is, and is found later.
    return null;
  }
};

/** Reads the content lines whose names (in upper case) are wanted; the others are not looked at. */
export const propertiesOf = ({ lines }: Readonly<{ lines: readonly string[] }>, wanted: ReadonlySet<string>): Properties => {
  const found = new Map<string, Property[]>();
  for (const line of lines) {
    const name = line.slice(0, line.search(/[:;]/)).toUpperCase();
    const property = wanted.has(name) ? cut(line) : null;
    if (property === null) continue;
    const same = found.get(property.name);
    if (same === undefined) found.set(property.name, [property]);
    else same.push(property);
  }
  return { all: (name) => found.get(name) ?? [], first: (name) => found.get(name)?.[0] ?? null };
};

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', N: '\n' };

/** A TEXT value (RFC 5545 3.3.11) as people wrote it; null when there is none. */
export const textOf = (property: Property | null): string | null => {
  if (property === null) return null;
  const { value } = property;
  return plainText(value.includes('\\') ? value.replace(/\\([\\;,nN])/g, (_, letter: string) => ESCAPED[letter] ?? letter) : value);
};
