import { type Client } from '../test/support/service.js';
import { expectationWithin } from './expected.ical.js';
import { spansAt, textOf, wrongWith } from './occurrences.check.js';
import { type Change, type Connected, measureFirstSync, measureOneChange, measurePaging } from './ours.service.js';

/** An account that is connected to the service, read, and changed. */
export type Measurable = Readonly<{
  connect: () => Promise<unknown>;
  /** iCalendar texts of what is in its one calendar at the moment. */
  texts: () => Iterable<string>;
  change: Change;
  /** Lets the service hear of a change. */
  ask: () => Promise<unknown>;
}>;

export type SyncFigures = Connected & Readonly<{ occurrences: number; paging: number; pages: number; oneChange: number }>;

/** Connects an account, reads everything and changes it, and compares each occurrence that is read with what it must be. */
export const measureSync = async (
  client: Client,
  { connect, texts, change, ask }: Measurable,
): Promise<Readonly<{ figures: SyncFigures; wrong: readonly string[] }>> => {
  const { whole, soon } = spansAt(Date.now());
  const expected = expectationWithin(whole);
  const [soonExpected, wholeExpected] = [await expected(texts(), soon), await expected(texts(), whole)];
  const first = await measureFirstSync(client, connect, textOf(soon), soonExpected.length);
  const paged = await measurePaging(client, textOf(whole));
  const soonFound = await client.events(textOf(soon));
  const oneChange = await measureOneChange(client, change, ask);
  const after = await measurePaging(client, textOf(whole));
  return {
    figures: { ...first, oneChange, occurrences: paged.events.length, paging: paged.milliseconds, pages: paged.pages },
    wrong: wrongWith({
      ...{ soon: soonFound, soonExpected, whole: paged, wholeExpected },
      ...{ after, afterExpected: await expected(texts(), whole) },
    }),
  };
};
