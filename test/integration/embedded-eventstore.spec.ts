import { connect } from 'node:http2';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CancelledError, EventStoreDBClient, streamNameFilter } from '@eventstore/db-client';
import operations from '@eventstore/db-client/generated/operations_pb.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { framed } from '../../src/embedded/eventstore/grpc.call.js';
import { type Engines, startEngines } from '../support/engines.js';
import { collect, noted, streamOf, until, whole } from '../support/event-store.js';

/** What only the embedded server promises; what every event store does is in test/contract. */
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

/** The status a call ends with that is made by hand, with a body no client would send. */
const raw = (path: string, body: Uint8Array | null, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const [, user = '', password = '', port = ''] = /\/\/(.*?):(.*?)@localhost:(\d+)/.exec(engines.eventStoreUrl) ?? [];
    const session = connect(`https://localhost:${port}`, { ca: readFileSync(join(engines.dataDir, 'eventstore.crt')) });
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', authorization, ...headers });
    let found = 'none';
    const take = (fields: Readonly<Record<string, unknown>>): void => {
      const status = fields['grpc-status'];
      if (typeof status === 'string') found = status;
    };
    stream.on('response', take).on('trailers', take).resume();
    stream.on('error', reject).on('close', () => {
      session.close();
      resolve(found);
    });
    if (body !== null) stream.end(body);
  });

const STREAMS = '/event_store.client.streams.Streams';
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 151) % 256));

describe('The embedded event store', () => {
  it('keeps what the database cannot take from failing what comes with it', async () => {
    const stream = await streamOf(client);
    const [bad, good] = await Promise.allSettled([
      client.appendToStream('nul-\u0000', noted('a')),
      client.appendToStream(stream, noted('a')),
    ]);
    expect(bad.status).toBe('rejected');
    expect(good.status).toBe('fulfilled');
    await expect(collect(client.readStream('nul-\u0000'))).rejects.toThrow('not found');
  });

  it('takes a name for a name, whatever it would mean to the database', async () => {
    const stream = `o'hara\\'; drop table event; -- ${await streamOf(client)}`;
    await client.appendToStream(stream, noted('a'));
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });

  it.each([
    ['a message that is none', `${STREAMS}/Read`, Buffer.concat([Buffer.from([0, 0, 0, 0, 64]), noise(64)]), {}, '3'],
    ['half a message', `${STREAMS}/Read`, Buffer.from([0, 0, 0, 0, 64, 1]), {}, '3'],
    ['nothing', `${STREAMS}/Read`, Buffer.alloc(0), {}, '3'],
    ['a compressed message', `${STREAMS}/Read`, Buffer.from([1, 0, 0, 0, 1, 1]), {}, '12'],
    ['a message of 4 GB', `${STREAMS}/BatchAppend`, Buffer.from([0, 255, 255, 255, 255, 1]), {}, '8'],
    ['an append without a stream', `${STREAMS}/Append`, Buffer.from([0, 0, 0, 0, 0]), {}, '3'],
    ['a method it does not know', '/event_store.client.streams.Streams/Guess', Buffer.alloc(0), {}, '12'],
    ['a stranger', `${STREAMS}/Read`, Buffer.alloc(0), { authorization: 'Basic YTpi' }, '16'],
    ['a deadline that passes', `${STREAMS}/BatchAppend`, null, { 'grpc-timeout': '50m' }, '4'],
  ])('answers %s with a status and lives on', async (_, path, body, headers, status) => {
    expect(await raw(path, body, headers)).toBe(status);
    expect(await collect(client.readStream(await streamOf(client, 'a')))).toEqual(['a']);
  });

  it('gives up on a regular expression that explodes', async () => {
    await client.appendToStream(`${'a'.repeat(60)}!`, noted('a'));
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ regex: '^(a+)+$' }) });
    await expect(until(subscription, () => false)).rejects.toThrow('takes too long');
    expect(await collect(client.readStream(await streamOf(client, 'a')))).toEqual(['a']);
  });

  it('holds little of what slow readers have not taken', async () => {
    const pid = Number(readFileSync(join(engines.dataDir, 'eventstore.pid'), 'utf8'));
    const memory = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
    const stream = await streamOf(client);
    for (let written = 0; written < 60; written += 1) await client.appendToStream(stream, noted('x'.repeat(1_000_000)));
    const before = memory();
    const readers = Array.from({ length: 20 }, () => client.readStream(stream));
    await Promise.all(readers.map((reader) => new Promise((resolve) => reader.once('readable', resolve))));
    expect(memory() - before).toBeLessThan(300);
    await Promise.all(readers.map((reader) => reader.cancel()));
  });
});

describe('A scavenge of the embedded event store', () => {
  it('erases what is hidden, deleted or ended, and moves nothing else', async () => {
    const from = (await client.appendToStream(await streamOf(client), noted('before'))).position;
    if (from === undefined) throw new Error('the append has no position');
    const [cut, deleted, ended, plain] = [
      await streamOf(client, 'a', 'b', 'c'),
      await streamOf(client, 'd', 'e'),
      await streamOf(client, 'f', 'g'),
      await streamOf(client, 'h'),
    ];
    await client.setStreamMetadata(cut, { truncateBefore: 1 });
    await client.setStreamMetadata(cut, { truncateBefore: 2 });
    await client.deleteStream(deleted);
    await client.tombstoneStream(ended);
    const logged = async (): Promise<ReadonlyMap<string, bigint>> =>
      new Map(
        (await whole(client.readAll({ fromPosition: from })))
          .filter(({ event }) => event?.streamId.startsWith('$scavenges') === false)
          .map(({ event }) => [`${event?.streamId}/${event?.revision}`, event?.position?.commit ?? 0n]),
      );
    const before = await logged();
    expect(await raw('/event_store.client.operations.Operations/StartScavenge', framed(new operations.StartScavengeReq()))).toBe('0');
    const completed = client.subscribeToAll({ fromPosition: from, filter: streamNameFilter({ prefixes: ['$scavenges-'] }) });
    for await (const { event } of completed) if (event?.type === '$scavengeCompleted') break;
    const erased = [`${cut}/0`, `${cut}/1`, `$$${cut}/0`, `${deleted}/0`, `${ended}/0`, `${ended}/1`];
    expect(await logged()).toEqual(new Map([...before].filter(([place]) => !erased.includes(place))));
    expect(before.has(`${plain}/0`)).toBe(true);
    expect((await client.appendToStream(cut, noted('i'), { expectedRevision: 2n })).nextExpectedRevision).toBe(3n);
  });
});

describe('When the embedded event store stops', () => {
  it('open subscriptions end as cancelled, after every append that was acknowledged', async () => {
    const own = await startEngines();
    const connected = EventStoreDBClient.connectionString(own.eventStoreUrl);
    const subscription = connected.subscribeToAll();
    const failed = new Promise((resolve) => subscription.once('error', resolve));
    await new Promise((resolve) => subscription.once('caughtUp', resolve).resume());
    const appending = Array.from({ length: 50 }, (_, index) => connected.appendToStream('note-1', noted(String(index))));
    const outcomes = Promise.allSettled(appending);
    await appending[0];
    await own.stop();
    expect(await failed).toBeInstanceOf(CancelledError);
    expect((await outcomes).filter(({ status }) => status === 'rejected').length).toBeLessThan(50);
    await connected.dispose();
  });
});
