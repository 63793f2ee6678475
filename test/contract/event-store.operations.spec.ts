import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AccessDeniedError, EventStoreDBClient, StreamNotFoundError } from '@eventstore/db-client';
import { OperationsClient } from '@eventstore/db-client/generated/operations_grpc_pb.js';
import messages from '@eventstore/db-client/generated/operations_pb.js';
import { type ScavengeResp } from '@eventstore/db-client/generated/operations_pb.js';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { collect, noted, openStore, type StoreUnderTest, streamOf } from '../support/event-store.js';

let store: StoreUnderTest;
let client: EventStoreDBClient;

beforeAll(async () => {
  store = await openStore();
  client = store.client;
});

afterAll(() => store.stop());

const isInsecure = (url: string): boolean => /[?&]tls=false/i.test(url);

/** The Operations service; the official client brings its messages but no method for it. */
const operationsOf = (url: string): OperationsClient => {
  const [, user = '', password = '', host = ''] = /:\/\/(?:(.*?):(.*?)@)?([^/?,]*)/.exec(url) ?? [];
  if (isInsecure(url)) return new OperationsClient(host, credentials.createInsecure());
  const authority = /[?&]tlsCAFile=([^&]*)/i.exec(url)?.[1];
  const login = credentials.createFromMetadataGenerator((_, done) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
    done(null, metadata);
  });
  const transport = credentials.createSsl(authority === undefined ? null : readFileSync(decodeURIComponent(authority)));
  return new OperationsClient(host, credentials.combineChannelCredentials(transport, login));
};

describe('A scavenge', () => {
  let operations: OperationsClient;

  beforeAll(() => {
    operations = operationsOf(store.url);
  });

  afterAll(() => {
    operations.close();
  });

  const start = (): Promise<ScavengeResp> =>
    new Promise((resolve, reject) => {
      const request = new messages.StartScavengeReq();
      const options = new messages.StartScavengeReq.Options();
      options.setThreadCount(1);
      request.setOptions(options);
      operations.startScavenge(request, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });

  const halt = (id: string): Promise<ServiceError | null> =>
    new Promise((resolve) => {
      const request = new messages.StopScavengeReq();
      const options = new messages.StopScavengeReq.Options();
      options.setScavengeId(id);
      request.setOptions(options);
      operations.stopScavenge(request, resolve);
    });

  const scavenged = async (): Promise<void> => {
    const id = (await start()).getScavengeId();
    for await (const { event } of client.subscribeToStream(`$scavenges-${id}`)) if (event?.type === '$scavengeCompleted') return;
  };

  it('changes nothing for the readers of streams', async () => {
    const cut = await streamOf(client, 'a', 'b', 'c');
    const counted = await streamOf(client, 'a', 'b', 'c');
    const plain = await streamOf(client, 'a', 'b');
    const deleted = await streamOf(client, 'a', 'b');
    await client.setStreamMetadata(cut, { truncateBefore: 2 });
    await client.setStreamMetadata(counted, { maxCount: 2 });
    await client.deleteStream(deleted);
    await scavenged();
    expect(await collect(client.readStream(cut))).toEqual(['c']);
    expect(await collect(client.readStream(counted))).toEqual(['b', 'c']);
    expect(await collect(client.readStream(plain))).toEqual(['a', 'b']);
    await expect(collect(client.readStream(deleted))).rejects.toBeInstanceOf(StreamNotFoundError);
    expect((await client.appendToStream(cut, noted('d'), { expectedRevision: 2n })).nextExpectedRevision).toBe(3n);
    expect((await client.appendToStream(deleted, noted('c'))).nextExpectedRevision).toBe(2n);
    expect(await collect(client.readStream(deleted))).toEqual(['c']);
  });

  it('that is not running cannot be stopped', async () => {
    const id = randomUUID();
    const error = await halt(id);
    expect(error?.metadata.getMap()).toMatchObject({ exception: 'scavenge-not-found', 'scavenge-id': id });
  });
});

describe('A client that looks for the leader', () => {
  it('finds it by one host that knows it, and by several', async () => {
    const stream = await streamOf(client, 'a');
    const [authority = '', host = ''] = /\/\/(?:[^/?]*@)?([^@/?]*)/.exec(store.url) ?? [];
    const several = store.url.replace(authority, `${authority},${host}`);
    for (const url of [store.url.replace(/^esdb(\+discover)?:/, 'esdb+discover:'), several]) {
      const seeking = EventStoreDBClient.connectionString(url);
      expect(await collect(seeking.readStream(stream))).toEqual(['a']);
      await seeking.dispose();
    }
  });
});

describe('Who does not know the password', () => {
  it('reads nothing and writes nothing, unless the server runs insecurely and knows no passwords', async () => {
    const stream = await streamOf(client, 'a');
    const stranger = EventStoreDBClient.connectionString(store.url.replace(/\/\/(.*@)?/, '//admin:guessed@'));
    const attempts = [
      () => collect(stranger.readStream(stream)),
      () => stranger.appendToStream(stream, noted('b')),
      () => collect(stranger.readAll({ maxCount: 0 })),
    ];
    for (const attempt of isInsecure(store.url) ? [] : attempts) await expect(attempt()).rejects.toBeInstanceOf(AccessDeniedError);
    await stranger.dispose();
    expect(await collect(client.readStream(stream))).toEqual(['a']);
  });
});
