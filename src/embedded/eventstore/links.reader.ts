import { type Resolved } from './event-frame.wire.js';
import { type Reader } from './log.reader.js';
import { LINK_TYPE, type StoredEvent } from './stored-event.js';

/** Where a link leads: its data is `<revision>@<stream>`. null when it leads nowhere. */
const targetOf = (link: StoredEvent): Readonly<{ stream: string; revision: bigint }> | null => {
  const [, revision, stream] = /^(\d{1,18})@([^]+)$/.exec(new TextDecoder().decode(link.data)) ?? [];
  return revision === undefined || stream === undefined ? null : { stream, revision: BigInt(revision) };
};

const followed = async (reader: Reader, link: StoredEvent): Promise<StoredEvent | null> => {
  const target = targetOf(link);
  const view = target === null ? null : await reader.view(target.stream);
  if (target === null || view === null || view === 'tombstoned') return null;
  const [found] = (await reader.stream(target.stream, view, 'forwards')(target.revision, 1)).events;
  return found?.revision === target.revision ? found : null;
};

/** Puts in the place of links what they lead to, as a reader of that stream would see it; other events stay as they are. */
export const resolveLinks = async (reader: Reader, events: readonly StoredEvent[]): Promise<readonly Resolved[]> => {
  const resolved: Resolved[] = [];
  for (const event of events) {
    if (event.type === LINK_TYPE) resolved.push({ event: await followed(reader, event), link: event });
    else resolved.push({ event, link: null });
  }
  return resolved;
};

/** Takes every event as it is. */
export const leaveLinks = (_: Reader, events: readonly StoredEvent[]): Promise<readonly Resolved[]> =>
  Promise.resolve(events.map((event) => ({ event, link: null })));
