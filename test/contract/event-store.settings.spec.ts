import { setTimeout as pause } from 'node:timers/promises';
import { BACKWARDS, END, type EventStoreDBClient, START, WrongExpectedVersionError } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { collect, noted, openStore, type StoreUnderTest, streamOf, until, whole } from '../support/event-store.js';

let store: StoreUnderTest;
let client: EventStoreDBClient;

beforeAll(async () => {
  store = await openStore();
  client = store.client;
});

afterAll(() => store.stop());

describe('The settings of a stream', () => {
  it('hide what is before $tb, and the log of all streams still holds it', async () => {
    const fromPosition = (await client.appendToStream(await streamOf(client), noted('before'))).position ?? START;
    const stream = await streamOf(client, 'a', 'b', 'c');
    await client.setStreamMetadata(stream, { truncateBefore: 2, owner: 'x' });
    expect(await client.getStreamMetadata(stream)).toMatchObject({ metadata: { truncateBefore: 2, owner: 'x' } });
    expect(await collect(client.readStream(stream))).toEqual(['c']);
    expect(await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(['c']);
    expect(await until(client.subscribeToStream(stream), () => true)).toEqual(['c']);
    const { nextExpectedRevision } = await client.appendToStream(stream, noted('d'), { expectedRevision: 2n });
    expect(nextExpectedRevision).toBe(3n);
    const all = await whole(client.readAll({ fromPosition }));
    expect(all.filter(({ event }) => event?.streamId === stream)).toHaveLength(4);
  });

  it('keep the newest $maxCount events, and those younger than $maxAge', async () => {
    const stream = await streamOf(client, 'a', 'b', 'c');
    await client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await collect(client.readStream(stream))).toEqual(['b', 'c']);
    await client.setStreamMetadata(stream, { maxAge: 3_600 });
    expect(await collect(client.readStream(stream))).toEqual(['a', 'b', 'c']);
    await client.setStreamMetadata(stream, { maxAge: 1 });
    await pause(2_500);
    await client.appendToStream(stream, noted('d'));
    expect(await collect(client.readStream(stream))).toEqual(['d']);
  });

  it('are written only at the revision that is expected, and of them only the newest are seen', async () => {
    const stream = await streamOf(client, 'a');
    await client.setStreamMetadata(stream, { maxCount: 5 }, { expectedRevision: 'no_stream' });
    await expect(client.setStreamMetadata(stream, { maxCount: 6 }, { expectedRevision: 'no_stream' })).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    );
    await client.setStreamMetadata(stream, { maxCount: 7 }, { expectedRevision: 0n });
    expect(await client.getStreamMetadata(stream)).toMatchObject({ metadata: { maxCount: 7 } });
    expect((await whole(client.readStream(`$$${stream}`))).map(({ event }) => event?.revision)).toEqual([1n]);
  });

  it('that were never written are none', async () => {
    expect((await client.getStreamMetadata(await streamOf(client, 'a'))).metadata).toBeUndefined();
  });

  it('hold for a subscription too', async () => {
    const stream = await streamOf(client, 'a', 'b', 'c');
    await client.setStreamMetadata(stream, { maxCount: 1 });
    expect(await until(client.subscribeToStream(stream), () => true)).toEqual(['c']);
  });
});
