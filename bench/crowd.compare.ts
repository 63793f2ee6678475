import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionView } from '../src/connection/connection.contract.js';
import { icsOf } from '../test/support/calendar-item.js';
import { instancesIn, lines } from '../test/support/oracle.js';
import { WHOLE_WINDOW, wholeWindow } from '../test/support/whole-window.js';
import { type Connected } from './crowd.connect.js';
import { eachOf } from './crowd.service.js';

/** What was found in the end. `wrong`: of whom something else is shown than their calendars have, with the first difference. */
export type Compared = Readonly<{
  people: number;
  occurrences: number;
  doubled: number;
  wrong: readonly string[];
  unhealthy: readonly string[];
}>;

/** Read models follow what is stored; so many milliseconds at most, once nothing more happens. */
const PATIENCE = 60_000;

const expectedOf = ({ person, connectionId }: Connected, isRevoked: boolean): readonly string[] =>
  connectionId === null || isRevoked
    ? []
    : lines(person.calendars.flatMap(({ items }) => [...items.values()].flatMap((item) => instancesIn(icsOf(item), wholeWindow))));

const difference = (expected: readonly string[], shown: readonly string[]): string | null => {
  const [wanted, found] = [new Set(expected), new Set(shown)];
  const missing = expected.filter((line) => !found.has(line));
  const strange = shown.filter((line) => !wanted.has(line));
  if (missing.length + strange.length === 0 && expected.length === shown.length) return null;
  return `${missing.length} missing (${missing[0] ?? '-'}), ${strange.length} too many (${strange[0] ?? '-'}), ${shown.length} of ${expected.length}`;
};

const isHealthy = async ({ client, connectionId }: Connected): Promise<boolean> => {
  if (connectionId === null) return true;
  const { body } = await client.request<ConnectionView>('GET', `/v1/calendar/connections/${connectionId}`);
  return body.status === 'connected' && body.calendars.length === 2;
};

/** Holds what each person is shown against what their service has. */
export const compare = async (crowd: readonly Connected[], revoked: ReadonlySet<Connected>): Promise<Compared> => {
  const end = performance.now() + PATIENCE;
  const [wrong, unhealthy]: [string[], string[]] = [[], []];
  let [occurrences, doubled] = [0, 0];
  await eachOf(crowd, 4, async (one) => {
    const expected = expectedOf(one, revoked.has(one));
    for (;;) {
      const shown = await one.client.events(WHOLE_WINDOW);
      const found = difference(expected, lines(shown));
      if (found !== null && performance.now() < end) {
        await sleep(500);
        continue;
      }
      occurrences += shown.length;
      doubled += shown.length - new Set(shown.map(({ id }) => id)).size;
      if (found !== null) wrong.push(`${one.person.email}: ${found}`);
      break;
    }
    if (!revoked.has(one) && !(await isHealthy(one))) unhealthy.push(one.person.email);
  });
  return { people: crowd.length, occurrences, doubled, wrong, unhealthy };
};
