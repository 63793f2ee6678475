import { zonesByName, type Transitions, transitionsOf } from './zone-transitions.js';

/** A mark for the rules of each zone by its name, aliases included: equal marks mean equal offsets at all times. */
export type ZoneMarks = Readonly<Record<string, string>>;

/** FNV-1a over 32 bits, 8 hexadecimal digits: what has to differ is one version of a zone from the next. */
const markOf = ({ first, from, offsets }: Transitions): string => {
  const text = [first, ...from.map((at, index) => `${at} ${offsets[index] ?? first}`)].join();
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
};

/** Marks of the zone rules this program has; a few hundredths of a second of work. */
export const zoneMarks = (): ZoneMarks => {
  const marks = new Map<string, string>();
  const marked = [...zonesByName()].map(([name, zone]) => {
    const mark = marks.get(zone) ?? markOf(transitionsOf(zone));
    marks.set(zone, mark);
    return [name, mark] as const;
  });
  return Object.fromEntries(marked);
};
