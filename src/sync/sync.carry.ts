import { EngineAway } from '../kernel/engine-away.js';
import { UnknownEvent } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';
import { feedCodec } from './feed.codec.js';
import { type DeltaSynced, FEED } from './feed.js';
import { encodedLength, type FeedWriter } from './feed.writer.js';
import { HeldContents } from './held-contents.js';
import { type Run } from './sync.context.js';
import { occurrencesOf } from './weight.js';

/** Null where the feed has a part that no reader can decode: it is left out, because only this reading can bring the calendar back from that. */
const heldContents = async (feed: AsyncIterable<DeltaSynced>, refs: ReadonlySet<string>, log: Log): Promise<HeldContents | null> => {
  const contents = new HeldContents(refs);
  try {
    for await (const part of feed) contents.take(part);
    return contents;
  } catch (error) {
    if (error instanceof EngineAway || error instanceof UnknownEvent) throw error;
    log.error('a feed cannot be read: what is held of unreadable objects of its calendar is not repeated in the new generation', error);
    return null;
  }
};

/**
 * Repeats in a new generation what is held of objects that it lists and could not read: their contents stand in chunks of older generations, which
 * its end hides and a scavenge removes. The feed is read twice, so that none of it is held at once.
 */
export const carryOver = async (
  { runtime, row }: Pick<Run, 'runtime' | 'row'>,
  writer: FeedWriter,
  refs: ReadonlySet<string>,
): Promise<void> => {
  if (refs.size === 0) return;
  const feed = () => runtime.store.read(`${FEED}-${row.calendar_id}`, feedCodec, 0n);
  const contents = await heldContents(feed(), refs, runtime.log);
  if (contents === null || contents.isEmpty) return;
  let index = 0;
  for await (const { upserts } of feed()) {
    for (const held of contents.heldOf(index, upserts)) {
      const upsert = { ...held, changed: false };
      await writer.upsert(upsert, { bytes: encodedLength(upsert), occurrences: occurrencesOf(upsert, writer.window, writer.now()) }, null);
    }
    index += 1;
  }
};
