import { randomUUID } from 'node:crypto';
import {
  AccessDeniedError,
  BACKWARDS,
  END,
  EventStoreDBClient,
  eventTypeFilter,
  jsonEvent,
  MaxAppendSizeExceededError,
  type EventData,
  type ResolvedEvent,
  StreamDeletedError,
  streamNameFilter,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Engines, startEngines } from '../support/engines.js';

let engines: Engines;
let client: EventStoreDBClient;

beforeAll(async () => {
  engines = await startEngines();
  client = EventStoreDBClient.connectionString(engines.eventStoreUrl);
});

afterAll(async () => {
  await client.dispose();
  await engines.stop();
});

const noted = (text: string, type = 'Noted'): EventData => jsonEvent({ type, data: { text }, metadata: { actor: 'a' } });

const whole = async (events: AsyncIterable<ResolvedEvent>): Promise<readonly ResolvedEvent[]> => {
  const all: ResolvedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

const collect = async (events: AsyncIterable<ResolvedEvent>): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const { event } of events) texts.push((event?.data as { text: string }).text);
  return texts;
};

const streamOf = async (...texts: readonly string[]): Promise<string> => {
  const stream = `note-${randomUUID()}`;
  if (texts.length > 0)
    await client.appendToStream(
      stream,
      texts.map((text) => noted(text)),
      { expectedRevision: 'no_stream' },
    );
  return stream;
};

/** Reads from a subscription until `enough` is true for what has come. */
const until = async (events: AsyncIterable<ResolvedEvent>, enough: (texts: readonly string[]) => boolean): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const { event } of events) {
    texts.push((event?.data as { text: string }).text);
    if (enough(texts)) break;
  }
  return texts;
};

describe('A stream', () => {
  it('gives back what was appended, with its revision, position, time, type and metadata', async () => {
    const stream = await streamOf();
    const event = noted('é€😀');
    const { nextExpectedRevision, position } = await client.appendToStream(stream, event, { expectedRevision: 'no_stream' });
    const [read] = await whole(client.readStream(stream));
    expect(read?.event).toMatchObject({
      streamId: stream,
      id: event.id,
      revision: 0n,
      type: 'Noted',
      isJson: true,
      data: { text: 'é€😀' },
      metadata: { actor: 'a' },
    });
    expect(read?.event?.position).toEqual(position);
    expect(read?.event?.created.getUTCFullYear()).toBeGreaterThan(2025);
    expect(nextExpectedRevision).toBe(0n);
  });

  it('is read forwards and backwards, from any revision, as far as asked', async () => {
    const stream = await streamOf('a', 'b', 'c', 'd');
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c', 'd']);
    expect(await collect(client.readStream(stream, { fromRevision: 1n, maxCount: 2 }))).toEqual(['b', 'c']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(['d', 'c', 'b', 'a']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: 1n }))).toEqual(['b', 'a']);
  });

  it('is read whole when it is longer than a page', async () => {
    const texts = Array.from({ length: 700 }, (_, index) => String(index));
    const stream = await streamOf(...texts);
    expect(await collect(client.readStream(stream))).toEqual(texts);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(texts.toReversed());
  });

  it('that was never written is not found', async () => {
    await expect(collect(client.readStream(await streamOf()))).rejects.toBeInstanceOf(StreamNotFoundError);
  });
});

describe('An append', () => {
  it('at a revision the stream is not at is refused with where it is', async () => {
    const stream = await streamOf('a', 'b');
    const attempt = client.appendToStream(stream, noted('c'), { expectedRevision: 0n });
    await expect(attempt).rejects.toBeInstanceOf(WrongExpectedVersionError);
    await expect(attempt).rejects.toMatchObject({ streamName: stream, expectedVersion: 0n, actualVersion: 1n });
    await expect(client.appendToStream(stream, noted('c'), { expectedRevision: 'no_stream' })).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    );
    await expect(client.appendToStream(`${stream}x`, noted('c'), { expectedRevision: 'stream_exists' })).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    );
  });

  it('is refused in the same way when it brings credentials of its own', async () => {
    const stream = await streamOf('a');
    const [, username = '', password = ''] = /esdb:\/\/(.*):(.*)@/.exec(engines.eventStoreUrl) ?? [];
    const options = { credentials: { username, password } };
    await client.appendToStream(stream, noted('b'), { ...options, expectedRevision: 0n });
    const attempt = client.appendToStream(stream, noted('c'), { ...options, expectedRevision: 0n });
    await expect(attempt).rejects.toMatchObject({ type: 'wrong-expected-version', expectedVersion: 0n, actualVersion: 1n });
  });

  it('that is repeated is acknowledged as the first time and stored once', async () => {
    const stream = await streamOf('a');
    const events = [noted('b'), noted('c')];
    for (const expectedRevision of ['any', 0n] as const) {
      const first = await client.appendToStream(stream, events, { expectedRevision: 0n });
      const again = await client.appendToStream(stream, events, { expectedRevision });
      expect(again).toEqual(first);
    }
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c']);
  });

  it('that is repeated while the first is under way is stored once', async () => {
    const stream = await streamOf();
    const event = noted('a');
    const results = await Promise.all(Array.from({ length: 5 }, () => client.appendToStream(stream, event)));
    expect(new Set(results.map((result) => result.nextExpectedRevision))).toEqual(new Set([0n]));
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });

  it('wins alone among many that expect the same revision', async () => {
    const stream = await streamOf('a');
    const attempts = Array.from({ length: 20 }, (_, index) =>
      client.appendToStream(stream, noted(String(index)), { expectedRevision: 0n }),
    );
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await collect(client.readStream(stream))).toHaveLength(2);
  });

  it('keeps the order in which one client sends', async () => {
    const stream = await streamOf();
    const texts = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(texts.map((text) => client.appendToStream(stream, noted(text))));
    expect(await collect(client.readStream(stream))).toEqual(texts);
  });

  it('of more than 1 MiB is refused with the limit, and leaves nothing', async () => {
    const stream = await streamOf();
    const attempt = client.appendToStream(stream, [noted('a'), noted('x'.repeat(1_048_576))]);
    await expect(attempt).rejects.toBeInstanceOf(MaxAppendSizeExceededError);
    await expect(attempt).rejects.toMatchObject({ maxAppendSize: 1_048_576 });
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
  });

  it('that the database cannot take fails alone', async () => {
    const stream = await streamOf();
    const [bad, good] = await Promise.allSettled([
      client.appendToStream('nul-\u0000', noted('a')),
      client.appendToStream(stream, noted('a')),
    ]);
    expect(bad.status).toBe('rejected');
    expect(good.status).toBe('fulfilled');
  });
});

describe('The log of all streams', () => {
  it('is read in the order of appends, from a position on, and backwards', async () => {
    const [first, second] = [await streamOf('a'), await streamOf('b')];
    await client.appendToStream(first, noted('c'));
    const all = (await whole(client.readAll())).filter(({ event }) => event !== undefined && [first, second].includes(event.streamId));
    expect(all.map(({ event }) => (event?.data as { text: string }).text)).toEqual(['a', 'b', 'c']);
    const fromPosition = all[1]?.event?.position ?? END;
    expect((await collect(client.readAll({ fromPosition }))).slice(0, 2)).toEqual(['b', 'c']);
    expect((await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 3 }))).toReversed()).toEqual(['a', 'b', 'c']);
    expect(await collect(client.readAll({ direction: BACKWARDS, fromPosition, maxCount: 1 }))).toEqual(['a']);
  });
});

describe('A subscription', () => {
  it('to a stream gives the past, then the present, each once', async () => {
    const stream = await streamOf('a', 'b');
    const subscription = client.subscribeToStream(stream, { fromRevision: 0n });
    subscription.once('caughtUp', () => void client.appendToStream(stream, [noted('c'), noted('d')]));
    expect(await until(subscription, (texts) => texts.includes('d'))).toEqual(['b', 'c', 'd']);
  });

  it('to a stream that does not exist yet waits for it', async () => {
    const stream = await streamOf();
    const subscription = client.subscribeToStream(stream);
    subscription.once('caughtUp', () => void client.appendToStream(stream, noted('a')));
    expect(await until(subscription, () => true)).toEqual(['a']);
  });

  it('to all streams resumes after a position and misses nothing while others append', async () => {
    const category = randomUUID();
    const names = Array.from({ length: 300 }, (_, index) => `${category}-${index}`);
    const { position } = await client.appendToStream(`${category}-before`, noted('before'));
    const writing = Promise.all(names.map((name) => client.appendToStream(name, noted(name))));
    const subscription = client.subscribeToAll({ fromPosition: position ?? END });
    const texts = await until(subscription, (seen) => seen.length === names.length);
    await writing;
    expect(texts.toSorted()).toEqual(names.toSorted());
  });

  it('to all streams can start at the end', async () => {
    await streamOf('old');
    const subscription = client.subscribeToAll({ fromPosition: END });
    subscription.once('caughtUp', () => void streamOf('new'));
    expect(await until(subscription, () => true)).toEqual(['new']);
  });

  it.each([
    ['a prefix of the stream name', (mark: string) => streamNameFilter({ prefixes: [`none-`, `${mark}-`] })],
    ['a regular expression on the stream name', (mark: string) => streamNameFilter({ regex: `^${mark}-` })],
    ['a prefix of the event type', (mark: string) => eventTypeFilter({ prefixes: [mark] })],
    ['a regular expression on the event type', (mark: string) => eventTypeFilter({ regex: `^${mark}$` })],
  ])('is filtered by %s', async (_, filter) => {
    const mark = `m${randomUUID()}`;
    await client.appendToStream(`${mark}-1`, noted('past', mark));
    await streamOf('other');
    const subscription = client.subscribeToAll({ filter: filter(mark) });
    subscription.once('caughtUp', () => void streamOf('other').then(() => client.appendToStream(`${mark}-2`, noted('live', mark))));
    expect(await until(subscription, (texts) => texts.includes('live'))).toEqual(['past', 'live']);
  });

  it('that finds nothing tells how far it has looked, past and live', async () => {
    const after = await client.appendToStream(await streamOf('a'), noted('b'));
    const reached = async (target: bigint, act: () => Promise<unknown>): Promise<void> => {
      let subscription: ReturnType<typeof client.subscribeToAll> | null = null;
      await new Promise<void>((resolve) => {
        const checkpointReached = (_: unknown, { commit }: { commit: bigint }): void => {
          if (commit >= target) resolve();
        };
        subscription = client.subscribeToAll({ filter: streamNameFilter({ prefixes: ['nothing-'], checkpointReached }) });
        subscription.once('caughtUp', () => void act());
        subscription.resume();
      });
      await (subscription as ReturnType<typeof client.subscribeToAll> | null)?.unsubscribe();
    };
    await reached(after.position?.commit ?? 0n, () => Promise.resolve());
    await reached((after.position?.commit ?? 0n) + 1n, () => streamOf(...Array.from({ length: 64 }, String)));
  });
});

describe('The settings of a stream', () => {
  it('hide what is before $tb, and the log of all streams still holds it', async () => {
    const stream = await streamOf('a', 'b', 'c');
    await client.setStreamMetadata(stream, { truncateBefore: 2, owner: 'x' });
    expect(await client.getStreamMetadata(stream)).toMatchObject({ metadata: { truncateBefore: 2, owner: 'x' } });
    expect(await collect(client.readStream(stream))).toEqual(['c']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(['c']);
    expect(await until(client.subscribeToStream(stream), () => true)).toEqual(['c']);
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('d'), { expectedRevision: 2n });
    expect(nextExpectedRevision).toBe(3n);
    const all = await whole(client.readAll());
    expect(all.filter(({ event }) => event?.streamId === stream)).toHaveLength(4);
  });

  it('keep the newest $maxCount events, and those younger than $maxAge', async () => {
    const stream = await streamOf('a', 'b', 'c');
    await client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await collect(client.readStream(stream))).toEqual(['b', 'c']);
    await client.setStreamMetadata(stream, { maxAge: 3_600 });
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c']);
    await client.setStreamMetadata(stream, { maxAge: 0 });
    expect(await collect(client.readStream(stream))).toEqual([]);
  });
});

describe('A stream that is deleted', () => {
  it('is not found, and continues its revisions when it is written again', async () => {
    const stream = await streamOf('a', 'b');
    await expect(client.deleteStream(stream, { expectedRevision: 0n })).rejects.toBeInstanceOf(WrongExpectedVersionError);
    await client.deleteStream(stream, { expectedRevision: 1n });
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('c'), { expectedRevision: 'no_stream' });
    expect(nextExpectedRevision).toBe(2n);
    expect(await collect(client.readStream(stream))).toEqual(['c']);
  });

  it('for ever takes and gives nothing any more', async () => {
    const stream = await streamOf('a');
    await client.tombstoneStream(stream);
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(client.appendToStream(stream, noted('b'))).rejects.toBeInstanceOf(StreamDeletedError);
  });
});

describe('Who does not know the password', () => {
  it('reads nothing and writes nothing', async () => {
    const stream = await streamOf('a');
    const stranger = EventStoreDBClient.connectionString(engines.eventStoreUrl.replace(/admin:.*@/, 'admin:guessed@'));
    await expect(collect(stranger.readStream(stream))).rejects.toBeInstanceOf(AccessDeniedError);
    await expect(stranger.appendToStream(stream, noted('b'))).rejects.toBeInstanceOf(AccessDeniedError);
    await expect(collect(stranger.readAll())).rejects.toBeInstanceOf(AccessDeniedError);
    await stranger.dispose();
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });
});
