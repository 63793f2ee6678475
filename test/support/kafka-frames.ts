import { type Socket } from 'node:net';

// Kafka's protocol, of the versions that the service's client speaks: as much of it as a proxy changes. A frame is its length and so many bytes.

/** Kinds of requests. */
export const PRODUCE = 0;
const METADATA = 3;
const FIND_COORDINATOR = 10;

/** Calls `take` with each whole frame that comes, its length included. */
export const framesOf = (socket: Socket, take: (frame: Buffer) => void): void => {
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
};

/** Reads one value after the other. */
class Reader {
  constructor(
    readonly bytes: Buffer,
    public at: number,
  ) {}

  int16 = (): number => this.bytes.readInt16BE((this.at += 2) - 2);
  int32 = (): number => this.bytes.readInt32BE((this.at += 4) - 4);
  /** Skips a text; null is told by a negative length. */
  text = (): Buffer => this.run(this.int16());
  bytesOfRecords = (): Buffer => this.run(this.int32());

  private readonly run = (length: number): Buffer => this.bytes.subarray(this.at, (this.at += Math.max(0, length)));
}

/** An answer in which each broker has the port of the proxy, so that the client comes by it. It is as long as before. */
export const withPort = (frame: Buffer, { kind, version }: Readonly<{ kind: number; version: number }>, port: number): Buffer => {
  const changed = Buffer.from(frame);
  const read = new Reader(changed, 8);
  const broker = (): void => {
    read.int32();
    read.text();
    changed.writeInt32BE(port, read.at);
    read.int32();
  };
  if (kind === METADATA) {
    if (version >= 3) read.int32();
    for (let left = read.int32(); left > 0; left -= 1) {
      broker();
      if (version >= 1) read.text();
    }
  } else if (kind === FIND_COORDINATOR) {
    if (version >= 1) read.int32();
    if (read.int16() !== 0) return frame;
    if (version >= 1) read.text();
    broker();
  }
  return changed;
};

type Asked = Readonly<{ name: Buffer; partitions: readonly Readonly<{ partition: number; records: Buffer }>[] }>;

const each = <T>(count: number, read: () => T): readonly T[] => Array.from({ length: count }, read);

/** What a request of version 3 to 7 publishes. */
const publishedBy = (request: Buffer): readonly Asked[] => {
  const read = new Reader(request, 12);
  read.text();
  read.text();
  read.int16();
  read.int32();
  return each(read.int32(), () => ({
    name: read.text(),
    partitions: each(read.int32(), () => ({ partition: read.int32(), records: read.bytesOfRecords() })),
  }));
};

/** The number of the producer that publishes, in the head of each batch of records. */
export const producerOf = (request: Buffer): bigint => publishedBy(request)[0]?.partitions[0]?.records.readBigInt64BE(43) ?? -1n;

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** The answer that refuses all that a request publishes; offset, time and first offset are -1. */
export const answerToProduce = (request: Buffer, code: number): Buffer => {
  const topics = publishedBy(request);
  const version = request.readInt16BE(6);
  const unknown = Buffer.alloc(version >= 5 ? 24 : 16, 0xff);
  const body = Buffer.concat([
    request.subarray(8, 12),
    int32(topics.length),
    ...topics.flatMap(({ name, partitions }) => [
      int16(name.length),
      name,
      int32(partitions.length),
      ...partitions.flatMap(({ partition }) => [int32(partition), int16(code), unknown]),
    ]),
    int32(0),
  ]);
  return Buffer.concat([int32(body.length), body]);
};
