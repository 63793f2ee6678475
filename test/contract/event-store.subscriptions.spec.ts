import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  binaryEvent,
  END,
  type EventData,
  type EventStoreDBClient,
  eventTypeFilter,
  START,
  streamNameFilter,
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

describe('The log of all streams', () => {
  it('is read in the order of appends, from a position on, and backwards', async () => {
    const before = await client.appendToStream(await streamOf(client), noted('before'));
    const [first, second] = [await streamOf(client, 'a'), await streamOf(client, 'b')];
    await client.appendToStream(first, noted('c'));
    const all = (await whole(client.readAll({ fromPosition: before.position ?? START }))).filter(
      ({ event }) => event !== undefined && [first, second].includes(event.streamId),
    );
    expect(all.map(({ event }) => (event?.data as { text: string }).text)).toEqual(['a', 'b', 'c']);
    const fromPosition = all[1]?.event?.position ?? END;
    expect(await collect(client.readAll({ fromPosition, maxCount: 2 }))).toEqual(['b', 'c']);
    const backwards = await whole(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 3 }));
    expect(backwards.map(({ event }) => event?.position)).toEqual(all.map(({ event }) => event?.position).toReversed());
    expect(await collect(client.readAll({ direction: BACKWARDS, fromPosition, maxCount: 1 }))).toEqual(['a']);
  });
});

describe('A subscription', () => {
  it('to a stream gives the past, then the present, each once', async () => {
    const stream = await streamOf(client, 'a', 'b');
    const subscription = client.subscribeToStream(stream, { fromRevision: 0n });
    subscription.once('caughtUp', () => void client.appendToStream(stream, [noted('c'), noted('d')]));
    expect(await until(subscription, (texts) => texts.includes('d'))).toEqual(['b', 'c', 'd']);
  });

  it('to a stream that does not exist yet waits for it', async () => {
    const stream = await streamOf(client);
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
    await streamOf(client, 'old');
    const subscription = client.subscribeToAll({ fromPosition: END });
    subscription.once('caughtUp', () => void streamOf(client, 'new'));
    expect(await until(subscription, () => true)).toEqual(['new']);
  });

  it.each([
    ['a prefix of the stream name', (mark: string) => streamNameFilter({ prefixes: [`none-`, `${mark}-`] })],
    ['a regular expression on the stream name', (mark: string) => streamNameFilter({ regex: `^${mark}-` })],
    ['a prefix of the event type', (mark: string) => eventTypeFilter({ prefixes: [mark] })],
    ['a regular expression on the event type', (mark: string) => eventTypeFilter({ regex: `^${mark}$` })],
  ])('is filtered by %s', async (_, filter) => {
    const mark = `m${randomUUID()}`;
    const before = await client.appendToStream(await streamOf(client), noted('before'));
    await client.appendToStream(`${mark}-1`, noted('past', mark));
    await streamOf(client, 'other');
    const subscription = client.subscribeToAll({ filter: filter(mark), fromPosition: before.position ?? START });
    subscription.once('caughtUp', () => void streamOf(client, 'other').then(() => client.appendToStream(`${mark}-2`, noted('live', mark))));
    expect(await until(subscription, (texts) => texts.includes('live'))).toEqual(['past', 'live']);
  });

  it('that finds nothing tells how far it has looked, past and live', async () => {
    const after = await client.appendToStream(await streamOf(client, 'a'), noted('b'));
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
    await reached((after.position?.commit ?? 0n) + 1n, () => streamOf(client, ...Array.from({ length: 64 }, String)));
  });
});

describe('A filter that is not a regular expression', () => {
  it('is refused', async () => {
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) });
    await expect(until(subscription, () => true)).rejects.toThrow();
  });
});

describe('A link', () => {
  const linkTo = (place: string): EventData => binaryEvent({ type: '$>', data: Buffer.from(place) });

  it('is followed when the reader asks for it, by reads and by subscriptions', async () => {
    const target = await streamOf(client, 'a', 'b');
    const links = await streamOf(client);
    await client.appendToStream(links, [linkTo(`1@${target}`), linkTo(`0@${target}`), noted('c')]);
    expect(await collect(client.readStream(links, { resolveLinkTos: true }))).toEqual(['b', 'a', 'c']);
    expect(await until(client.subscribeToStream(links, { resolveLinkTos: true }), (texts) => texts.length === 3)).toEqual(['b', 'a', 'c']);
    const [first] = await whole(client.readStream(links, { resolveLinkTos: true }));
    expect(first?.event).toMatchObject({ streamId: target, revision: 1n });
    expect(first?.link).toMatchObject({ streamId: links, revision: 0n, type: '$>' });
    const [plain] = await whole(client.readStream(links));
    expect(plain?.event).toMatchObject({ streamId: links, type: '$>' });
    expect(plain?.link).toBeUndefined();
  });

  it('to what is deleted, hidden or was never there comes without an event', async () => {
    const [deleted, hidden, links] = [await streamOf(client, 'a'), await streamOf(client, 'a', 'b'), await streamOf(client)];
    await client.deleteStream(deleted);
    await client.setStreamMetadata(hidden, { truncateBefore: 1 });
    await client.appendToStream(links, [linkTo(`0@${deleted}`), linkTo(`0@${hidden}`), linkTo(`7@${hidden}`), linkTo(`0@never-${links}`)]);
    const read = await whole(client.readStream(links, { resolveLinkTos: true }));
    expect(read.map(({ event, link }) => [event, link?.revision])).toEqual([0n, 1n, 2n, 3n].map((revision) => [undefined, revision]));
  });
});
