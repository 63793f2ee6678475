import { randomUUID, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CancelledError, EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import operations from '@eventstore/db-client/generated/operations_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { framed } from '../../src/embedded/eventstore/grpc.call.js';
import { startEventStore } from '../../src/embedded/eventstore.process.js';
import { type Engines, PROGRAM, startEngines } from '../support/engines.js';
import { collect, noted, streamOf, until, whole } from '../support/event-store.js';
import { eventually } from '../support/store.js';

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

/** A call made by hand. */
const open = (
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Readonly<{ session: ClientHttp2Session; call: ClientHttp2Stream }> => {
  const [, user = '', password = '', port = ''] = /\/\/(.*?):(.*?)@localhost:(\d+)/.exec(engines.eventStoreUrl) ?? [];
  const session = connect(`https://localhost:${port}`, { ca: readFileSync(join(engines.dataDir, 'eventstore.crt')) });
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', authorization, ...headers });
  return { session, call };
};

/** The status a call ends with that is made by hand, with a body no client would send. */
const raw = (path: string, body: Uint8Array | null, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const { session, call: stream } = open(path, headers);
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

  it('takes a name for a name, also when it means something to the database', async () => {
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

  it('tells why a call ends that it has answered before, while the client goes on sending', async () => {
    const append = new streams.BatchAppendReq();
    const options = new streams.BatchAppendReq.Options();
    const [stream, correlation] = [new shared.StreamIdentifier(), new shared.UUID()];
    stream.setStreamName(Buffer.from(await streamOf(client)));
    options.setStreamIdentifier(stream);
    options.setAny(new empty.Empty());
    append.setOptions(options);
    correlation.setString(randomUUID());
    append.setCorrelationId(correlation);
    append.setIsFinal(true);
    const { session, call } = open(`${STREAMS}/BatchAppend`);
    const ended = new Promise<unknown>((resolve) => {
      call.once('trailers', (fields: Readonly<Record<string, unknown>>) => {
        resolve(fields['grpc-status']);
      });
      call.once('close', resolve);
    });
    const answered = new Promise((resolve) => call.once('data', resolve));
    call.write(framed(append));
    await answered;
    call.write(Buffer.from([1, 0, 0, 0, 1, 1]));
    expect(await ended).toBe('12');
    session.close();
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

/** As every data folder had until now; some clients refuse a server that shows a certificate of an authority. */
const OF_AN_AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIQAfCOnL66MSwtkO8tPqoAGjAKBggqhkjOPQQDAjA7MTkw
NwYDVQQDDDBTbWFydCBDYWxlbmRhciBJbnRlZ3JhdGlvbiwgZW1iZWRkZWQgZXZl
bnQgc3RvcmUwIBcNMjAwMTAxMDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMDsxOTA3
BgNVBAMMMFNtYXJ0IENhbGVuZGFyIEludGVncmF0aW9uLCBlbWJlZGRlZCBldmVu
dCBzdG9yZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDzrMSCyGw6FYoG4PVPG
NtPE6bf4dLqK7p1Cp7Uk9kjCQflbQgCmuGvZuUBTgCck7GNq1PcXK6M3N0gUYw7m
aPajLzAtMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/
AAABMAoGCCqGSM49BAMCA0gAMEUCIQDY52m0KoIWho8n88qysaRaCY78ygEHGLRX
y7K1h2CQWAIgMsli25obzdvncHFFhg9kVXfhrOjuPWiEyO/xtWXtk54=
-----END CERTIFICATE-----
`;

describe('The certificate of the embedded event store', () => {
  const isAuthority = (certificate: string): boolean => new X509Certificate(certificate).ca;

  it('is no authority’s, and one of an authority is replaced at the next start', async () => {
    const certificate = join(engines.dataDir, 'eventstore.crt');
    const first = await readFile(certificate, 'utf8');
    expect([isAuthority(first), isAuthority(OF_AN_AUTHORITY)]).toEqual([false, true]);
    const { dataDir, databaseUrl } = engines;
    const again = async (): Promise<string> => {
      const own = join(dataDir, 'old');
      const store = await startEventStore({ dataDir: own, databaseUrl: databaseUrl('juy'), program: PROGRAM, log: () => undefined });
      const connected = EventStoreDBClient.connectionString(store.connectionString);
      await connected.appendToStream('note-1', noted('a'));
      await connected.dispose();
      await store.stop();
      return readFile(join(own, 'eventstore.crt'), 'utf8');
    };
    const made = await again();
    expect(await again()).toBe(made);
    await writeFile(join(dataDir, 'old', 'eventstore.crt'), OF_AN_AUTHORITY);
    const replaced = await again();
    expect(isAuthority(replaced)).toBe(false);
    expect(replaced).not.toBe(made);
  });
});

describe('The port of the embedded event store', () => {
  it('is another one where something else takes it before the server does', async () => {
    const { dataDir, databaseUrl } = engines;
    const own = join(dataDir, 'taken');
    let databaseIsThere: (url: string) => void = () => undefined;
    const later = new Promise<string>((resolve) => (databaseIsThere = resolve));
    const starting = startEventStore({ dataDir: own, databaseUrl: later, program: PROGRAM, log: () => undefined });
    const portKept = async (): Promise<string | null> => readFile(join(own, 'eventstore.port'), 'utf8').catch(() => null);
    const chosen = await eventually('a port is chosen', portKept);
    const other = createServer().listen(Number(chosen), '127.0.0.1');
    await once(other, 'listening');
    databaseIsThere(databaseUrl('juy'));
    const store = await starting;
    const connected = EventStoreDBClient.connectionString(store.connectionString);
    await connected.appendToStream('note-2', noted('a'));
    await connected.dispose();
    await store.stop();
    other.close();
    expect(await portKept()).not.toBe(chosen);
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

describe('The disk under the embedded event store', () => {
  const size = async (): Promise<number> => {
    const connection = new pg.Client({ connectionString: engines.databaseUrl('eventstore') });
    await connection.connect();
    const { rows } = await connection.query<{ size: string }>(`select pg_total_relation_size('event') as size`);
    await connection.end();
    return Number(rows[0]?.size);
  };

  it('takes in what scavenges removed what is appended after them, so that the log stops growing', async () => {
    const stream = await streamOf(client);
    const contents = 'x'.repeat(500_000);
    const round = async (): Promise<number> => {
      let revision = 0n;
      for (let count = 0; count < 20; count += 1) revision = (await client.appendToStream(stream, noted(contents))).nextExpectedRevision;
      await client.setStreamMetadata(stream, { truncateBefore: Number(revision) });
      const { position } = await client.appendToStream(await streamOf(client), noted('mark'));
      await raw('/event_store.client.operations.Operations/StartScavenge', framed(new operations.StartScavengeReq()));
      const filter = streamNameFilter({ prefixes: ['$scavenges-'] });
      for await (const { event } of client.subscribeToAll({ fromPosition: position ?? START, filter }))
        if (event?.type === '$scavengeCompleted') break;
      return size();
    };
    await round();
    const before = await round();
    for (let again = 0; again < 3; again += 1) await round();
    // Without what is taken in again three rounds more would be 30 MB.
    expect((await size()) - before).toBeLessThan(15_000_000);
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
