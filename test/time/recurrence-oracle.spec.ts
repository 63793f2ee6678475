import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { type Occurrence } from '../../src/time/occurrence.js';
import { expand } from '../../src/time/recurrence.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';

/** As scripts/recurrence-oracle.py writes it. A row is `20260327T0130Z+90#1`: start, minutes or days, component unless it is the first. */
type Case = Readonly<{ kind: string; from: string; to: string; ics: string; expected: readonly string[] }>;

const { zoneRules, cases } = JSON.parse(readFileSync(new URL('../fixtures/recurrence/oracle.json', import.meta.url), 'utf8')) as Readonly<{
  /** Version of the IANA database the answers were made with. */
  zoneRules: string;
  cases: readonly Case[];
}>;

const instant = (text: string): number => Date.parse(text.replace(/(....)(..)(..)T(..)(..)Z/, '$1-$2-$3T$4:$5:00Z'));

const row = ({ start, end, allDay, component }: Occurrence): string => {
  const [date = '', time = ''] = new Date(start).toISOString().replaceAll('-', '').split('T');
  const clock = allDay ? date : `${date}T${time.slice(0, 2)}${time.slice(3, 5)}Z`;
  return `${clock}+${(end - start) / (allDay ? 86_400_000 : 60_000)}${component === 0 ? '' : `#${component}`}`;
};

const ours = ({ ics, from, to }: Case): readonly string[] => {
  const { components, zones } = parseResource(ics, { remoteId: 'case', etag: null, ownAddresses: [] });
  const expansion = expand(components, zones, { start: instant(from), end: instant(to) }, 'UTC');
  return 'unexpandable' in expansion ? [expansion.unexpandable] : expansion.occurrences.map(row).sort();
};

describe(`A calendar has the occurrences that recurring-ical-events finds in it with zone rules ${zoneRules}:`, () => {
  const kinds = new Set(cases.map(({ kind }) => kind));

  it('in every kind of recurring event', () => {
    expect(cases.length).toBeGreaterThanOrEqual(300);
  });

  it.each([...kinds])('%s', (kind) => {
    const asked = cases.filter((each) => each.kind === kind);
    expect(asked.map((each) => ({ ics: each.ics, found: ours(each) }))).toEqual(
      asked.map(({ ics, expected }) => ({ ics, found: expected })),
    );
  });
});
