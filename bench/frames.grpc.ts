import { readFileSync } from 'node:fs';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';

const READ = '/event_store.client.streams.Streams/Read';
/** Bytes the server may send ahead; grpc-js has 64 kB unless told otherwise, and waits for each of them. */
const WINDOW = 1_048_576;
/** What a response without an event is read as. */
const NONE = -1;

/** A subscription to `$all` from its beginning. */
const request = (): Buffer => {
  const all = new streams.ReadReq.Options.AllOptions();
  all.setStart(new shared.Empty());
  const ids = new streams.ReadReq.Options.UUIDOption();
  ids.setString(new shared.Empty());
  const options = new streams.ReadReq.Options();
  options.setAll(all);
  options.setSubscription(new streams.ReadReq.Options.SubscriptionOptions());
  options.setUuidOption(ids);
  options.setNoFilter(new shared.Empty());
  const message = new streams.ReadReq();
  message.setOptions(options);
  return Buffer.from(message.serializeBinary());
};

/** A number in base 128 at a place, and where it ends. */
const varint = (bytes: Buffer, at: number): readonly [value: number, end: number] => {
  let value = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 127) * unit;
    if (byte < 128) return [value, at];
  }
};

/** The position in a ReadResp whose first field is an event: it stands behind the record, which is stepped over. */
const positionIn = (bytes: Buffer): number => {
  if (bytes[0] !== 0x0a) return NONE;
  const [, inside] = varint(bytes, 1);
  const [length, record] = varint(bytes, inside + 1);
  if (bytes[inside] !== 0x0a || bytes[record + length] !== 0x18) throw new Error('The response is not laid out as expected.');
  return varint(bytes, record + length + 1)[0];
};

const channelTo = (connectionString: string): Readonly<{ client: Client; metadata: Metadata }> => {
  const { username, password, host, searchParams } = new URL(connectionString);
  const metadata = new Metadata();
  metadata.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
  const certificate = readFileSync(searchParams.get('tlsCAFile') ?? '');
  return { client: new Client(host, credentials.createSsl(certificate), { 'grpc-node.flow_control_window': WINDOW }), metadata };
};

/**
 * Follows the log of the embedded event store (`esdb://user:password@host?tlsCAFile=…`) from its beginning until that many events have come, of
 * which it reads the position and nothing else; rejects when one is out of order.
 */
export const followFrames = (connectionString: string, events: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const { client, metadata } = channelTo(connectionString);
    const call = client.makeServerStreamRequest(READ, (bytes: Buffer) => bytes, positionIn, request(), metadata);
    let count = 0;
    let last = NONE;
    call.on('data', (position: number) => {
      if (position === NONE) return;
      if (position <= last) reject(new Error(`position ${position} came after ${last}`));
      last = position;
      count += 1;
      if (count === events) call.cancel();
    });
    call.on('error', (error: Error & { code?: number }) => {
      client.close();
      if (error.code === status.CANCELLED && count >= events) resolve();
      else reject(error);
    });
  });
