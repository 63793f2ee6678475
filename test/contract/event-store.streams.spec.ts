import {
  binaryEvent,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { collect, noted, openStore, type StoreUnderTest, streamOf, until, whole } from '../support/event-store.js';

let store: StoreUnderTest;
let client: EventStoreDBClient;

beforeAll(async () => {
  store = await openStore();
  client = store.client;
});

afterAll(() => store.stop());

describe('A stream', () => {
  it('gives back what was appended, with its revision, position, time, type and metadata', async () => {
    const stream = await streamOf(client);
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
    const stream = await streamOf(client, 'a', 'b', 'c', 'd');
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c', 'd']);
    expect(await collect(client.readStream(stream, { fromRevision: 1n, maxCount: 2 }))).toEqual(['b', 'c']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(['d', 'c', 'b', 'a']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: 1n }))).toEqual(['b', 'a']);
  });

  it('is read whole when it is longer than a page', async () => {
    const texts = Array.from({ length: 700 }, (_, index) => String(index));
    const stream = await streamOf(client, ...texts);
    expect(await collect(client.readStream(stream))).toEqual(texts);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(texts.toReversed());
  });

  it('that was never written is not found', async () => {
    await expect(collect(client.readStream(await streamOf(client)))).rejects.toBeInstanceOf(StreamNotFoundError);
  });
});

describe('An append', () => {
  it('at a revision the stream is not at is refused with where it is', async () => {
    const stream = await streamOf(client, 'a', 'b');
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

  it('that expects an existing stream takes one that has settings alone', async () => {
    const stream = await streamOf(client);
    await client.setStreamMetadata(stream, { maxCount: 5 });
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('a'), { expectedRevision: 'stream_exists' });
    expect(nextExpectedRevision).toBe(0n);
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });

  it('with an event that is none is refused alone, beside other appends that are under way', async () => {
    const [stream, other] = [await streamOf(client), await streamOf(client)];
    const settled = await Promise.allSettled([
      client.appendToStream(other, noted('a')),
      client.appendToStream(stream, [noted('b'), { ...noted('c'), id: 'not a uuid' }]),
      client.appendToStream(stream, { ...noted('d'), type: undefined as unknown as string }),
      client.appendToStream(stream, { ...noted('e'), id: '00000000-0000-0000-0000-000000000000' }),
      client.appendToStream('', noted('f')),
      client.appendToStream(other, noted('g')),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', ...Array.from({ length: 4 }, () => 'rejected'), 'fulfilled']);
    expect(await collect(client.readStream(other))).toEqual(['a', 'g']);
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
  });

  it('is refused in the same way when it brings credentials of its own', async () => {
    const stream = await streamOf(client, 'a');
    const [, username = '', password = ''] = /:\/\/(.*?):(.*?)@/.exec(store.url) ?? [];
    const options = { credentials: { username, password } };
    await client.appendToStream(stream, noted('b'), { ...options, expectedRevision: 0n });
    const attempt = client.appendToStream(stream, noted('c'), { ...options, expectedRevision: 0n });
    await expect(attempt).rejects.toMatchObject({ type: 'wrong-expected-version', expectedVersion: 0n, actualVersion: 1n });
  });

  it('that is repeated is acknowledged as the first time and stored once', async () => {
    const stream = await streamOf(client, 'a');
    const events = [noted('b'), noted('c')];
    for (const expectedRevision of ['any', 0n] as const) {
      const first = await client.appendToStream(stream, events, { expectedRevision: 0n });
      const again = await client.appendToStream(stream, events, { expectedRevision });
      expect(again.nextExpectedRevision).toBe(first.nextExpectedRevision);
    }
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c']);
  });

  it('that is repeated while the first is under way is stored once', async () => {
    const stream = await streamOf(client);
    const event = noted('a');
    const results = await Promise.all(Array.from({ length: 5 }, () => client.appendToStream(stream, event)));
    expect(new Set(results.map((result) => result.nextExpectedRevision))).toEqual(new Set([0n]));
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });

  it('wins alone among many that expect the same revision', async () => {
    const stream = await streamOf(client, 'a');
    const attempts = Array.from({ length: 20 }, (_, index) =>
      client.appendToStream(stream, noted(String(index)), { expectedRevision: 0n }),
    );
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await collect(client.readStream(stream))).toHaveLength(2);
  });

  it('keeps the order in which one client sends', async () => {
    const stream = await streamOf(client);
    const texts = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(texts.map((text) => client.appendToStream(stream, noted(text))));
    expect(await collect(client.readStream(stream))).toEqual(texts);
  });

  it('of more than 1 MiB is refused with the limit, and leaves nothing', async () => {
    const stream = await streamOf(client);
    const attempt = client.appendToStream(stream, [noted('a'), noted('x'.repeat(1_048_576))]);
    await expect(attempt).rejects.toBeInstanceOf(MaxAppendSizeExceededError);
    await expect(attempt).rejects.toMatchObject({ maxAppendSize: 1_048_576 });
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
  });
});

describe('An append of nothing', () => {
  it('answers where the stream is, and makes no stream', async () => {
    const stream = await streamOf(client, 'a');
    expect((await client.appendToStream(stream, [])).nextExpectedRevision).toBe(0n);
    const missing = await streamOf(client);
    await client.appendToStream(missing, []);
    await expect(collect(client.readStream(missing))).rejects.toBeInstanceOf(StreamNotFoundError);
  });
});

describe('Bytes that are not JSON', () => {
  it('come back as they were', async () => {
    const stream = await streamOf(client);
    const data = Uint8Array.from({ length: 3_000 }, (_, index) => index % 256);
    await client.appendToStream(stream, binaryEvent({ type: 'Kept', data, metadata: Uint8Array.of(1, 0, 255) }));
    const [read] = await whole(client.readStream(stream));
    expect(read?.event?.isJson).toBe(false);
    expect([...(read?.event?.data as Uint8Array)]).toEqual([...data]);
    expect([...(read?.event?.metadata as Uint8Array)]).toEqual([1, 0, 255]);
  });
});

describe('A name outside ASCII', () => {
  it('is kept, also where it is only told in an error', async () => {
    const stream = `${await streamOf(client)}-é€😀 %`;
    await client.appendToStream(stream, noted('a'));
    expect(await collect(client.readStream(stream))).toEqual(['a']);
    const attempt = client.appendToStream(stream, noted('b'), { expectedRevision: 5n });
    await expect(attempt).rejects.toMatchObject({ streamName: stream, actualVersion: 0n });
  });
});

describe('A stream that is deleted', () => {
  it('is not found, and continues its revisions when it is written again', async () => {
    const stream = await streamOf(client, 'a', 'b');
    await expect(client.deleteStream(stream, { expectedRevision: 0n })).rejects.toBeInstanceOf(WrongExpectedVersionError);
    await client.deleteStream(stream, { expectedRevision: 1n });
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('c'), { expectedRevision: 'no_stream' });
    expect(nextExpectedRevision).toBe(2n);
    expect(await collect(client.readStream(stream))).toEqual(['c']);
  });

  it('keeps its events hidden when its settings are written', async () => {
    const stream = await streamOf(client, 'a', 'b');
    await client.deleteStream(stream);
    await client.setStreamMetadata(stream, { maxCount: 5 });
    expect(await collect(client.readStream(stream))).toEqual([]);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ maxCount: 5, truncateBefore: 2 });
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('c'), { expectedRevision: 1n });
    expect(nextExpectedRevision).toBe(2n);
    expect(await collect(client.readStream(stream))).toEqual(['c']);
  });

  it('keeps nothing of its settings but that it is deleted', async () => {
    const stream = await streamOf(client, 'a');
    await client.setStreamMetadata(stream, { maxCount: 5, owner: 'x' });
    await client.deleteStream(stream);
    await client.appendToStream(stream, noted('b'));
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 1 });
  });

  it('does not exist for an append that expects it to, and can be deleted again', async () => {
    const stream = await streamOf(client, 'a');
    await client.deleteStream(stream);
    await expect(client.appendToStream(stream, noted('b'), { expectedRevision: 'stream_exists' })).rejects.toBeInstanceOf(
      StreamDeletedError,
    );
    await client.deleteStream(stream);
    await client.deleteStream(stream, { expectedRevision: 0n });
  });

  it('by a tombstone takes and gives nothing any more', async () => {
    const stream = await streamOf(client, 'a');
    await client.tombstoneStream(stream);
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(client.appendToStream(stream, noted('b'))).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(client.tombstoneStream(stream)).rejects.toThrow(`Event stream '${stream}' is deleted.`);
    await expect(until(client.subscribeToStream(stream), () => true)).rejects.toBeInstanceOf(StreamDeletedError);
  });

  it('permanently ends a live subscription with an error that says so', async () => {
    const stream = await streamOf(client, 'a');
    const subscription = client.subscribeToStream(stream);
    subscription.once('caughtUp', () => void client.tombstoneStream(stream));
    const types: string[] = [];
    const all = (async () => {
      for await (const { event } of subscription) types.push(event?.type ?? '');
    })();
    await expect(all).rejects.toBeInstanceOf(StreamDeletedError);
    expect(types).toEqual(['Noted', '$streamDeleted']);
  });

  it('by a tombstone takes its settings with it', async () => {
    const stream = await streamOf(client, 'a');
    await client.setStreamMetadata(stream, { maxCount: 5 });
    await client.tombstoneStream(stream);
    await expect(client.getStreamMetadata(stream)).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(client.setStreamMetadata(stream, { maxCount: 6 })).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(collect(client.readStream(`$$${stream}`))).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(until(client.subscribeToStream(`$$${stream}`), () => true)).rejects.toBeInstanceOf(StreamDeletedError);
  });
});

describe('The deletion of a stream', () => {
  it.each(['any', 'no_stream', 3n] as const)('that never was is refused when %s is expected', async (expectedRevision) => {
    const attempt = client.deleteStream(await streamOf(client), { expectedRevision });
    await expect(attempt).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: -1n });
  });

  it.each(['deleteStream', 'tombstoneStream'] as const)('at another revision (%s) is refused with where the stream is', async (method) => {
    const stream = await streamOf(client, 'a', 'b');
    const attempt = client[method](stream, { expectedRevision: 0n });
    await expect(attempt).rejects.toMatchObject({ streamName: stream, expectedVersion: 0n, actualVersion: 1n });
    await expect(attempt).rejects.toThrow(
      `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: 0, Actual version: 1`,
    );
  });

  it('with settings alone leaves a stream that begins with its first event', async () => {
    const stream = await streamOf(client);
    await client.setStreamMetadata(stream, { maxCount: 5 });
    await client.deleteStream(stream);
    await expect(collect(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
    expect((await client.appendToStream(stream, noted('a'))).nextExpectedRevision).toBe(0n);
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });

  it('of a stream that never was can be a tombstone', async () => {
    const stream = await streamOf(client);
    await client.tombstoneStream(stream);
    await expect(client.appendToStream(stream, noted('a'))).rejects.toBeInstanceOf(StreamDeletedError);
  });
});
