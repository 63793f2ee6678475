import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';

type ReadEvent = NonNullable<ReturnType<ReadResp['getEvent']>>;
type RecordedEvent = NonNullable<ReturnType<ReadEvent['getEvent']>>;
type Id = NonNullable<ReturnType<RecordedEvent['getId']>>;
type StreamName = NonNullable<ReturnType<RecordedEvent['getStreamIdentifier']>>;

const NOTHING = Buffer.alloc(0);

/** Reads the wire format of protocol buffers. What it does not expect makes it `lost`, for good. */
class Cursor {
  at = 0;
  lost = false;
  constructor(readonly bytes: Buffer) {}

  /** A number in base 128; one beyond 2^53 is not expected. */
  varint(): number {
    let byte = this.bytes[this.at++] ?? 0;
    let value = byte & 127;
    for (let unit = 128; byte >= 128; unit *= 128) {
      byte = this.bytes[this.at++] ?? 0;
      value += (byte & 127) * unit;
    }
    if (value > Number.MAX_SAFE_INTEGER) this.lost = true;
    return value;
  }

  /** Steps into a field that has a length; answers where it ends. */
  enter(limit: number): number {
    const end = this.varint() + this.at;
    if (end <= limit) return end;
    this.lost = true;
    return limit;
  }

  /** Steps into the one field the message up to `end` consists of. */
  enterOnly(tag: number, end: number): void {
    if (this.bytes[this.at++] !== tag || this.enter(end) !== end) this.lost = true;
  }

  text(end: number): string {
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  content(end: number): Buffer {
    const content = this.bytes.subarray(this.at, end);
    this.at = end;
    return content;
  }
}

/**
 * event_store.client.streams.ReadResp.ReadEvent.RecordedEvent, which is its own id and its stream's name, too: all that the client asks of the
 * three. Numbers are texts, as google-protobuf gives them.
 */
class RecordedMessage
  implements
    Pick<RecordedEvent, 'hasId' | 'hasStreamIdentifier' | 'getStreamRevision' | 'getPreparePosition' | 'getCommitPosition'>,
    Pick<RecordedEvent, 'getCustomMetadata_asU8' | 'getData' | 'getData_asU8'>,
    Pick<Id, 'hasStructured' | 'getString'>,
    Pick<StreamName, 'getStreamName'>
{
  private id: string | null = null;
  private stream: Buffer | null = null;
  private revision = '0';
  private prepare = '0';
  private commit = '0';
  private readonly properties = new Map<string, string>();
  private metadata: Buffer = NOTHING;
  private data: Buffer = NOTHING;

  constructor(from: Cursor, end: number) {
    while (from.at < end && !from.lost) this.read(from, from.bytes[from.at++] ?? 0, end);
  }

  hasId(): boolean {
    return this.id !== null;
  }

  getId(): this {
    return this;
  }

  hasStructured(): boolean {
    return false;
  }

  getString(): string {
    return this.id ?? '';
  }

  hasStreamIdentifier(): boolean {
    return this.stream !== null;
  }

  getStreamIdentifier(): this {
    return this;
  }

  getStreamName(): Buffer {
    return this.stream ?? NOTHING;
  }

  getStreamRevision(): string {
    return this.revision;
  }

  getPreparePosition(): string {
    return this.prepare;
  }

  getCommitPosition(): string {
    return this.commit;
  }

  getMetadataMap(): ReadonlyMap<string, string> {
    return this.properties;
  }

  getCustomMetadata_asU8(): Buffer {
    return this.metadata;
  }

  getData(): Buffer {
    return this.data;
  }

  getData_asU8(): Buffer {
    return this.data;
  }

  private read(from: Cursor, tag: number, end: number): void {
    if (tag === 0x18) this.revision = String(from.varint());
    else if (tag === 0x20) this.prepare = String(from.varint());
    else if (tag === 0x28) this.commit = String(from.varint());
    else this.readLong(from, tag, from.enter(end));
  }

  private readLong(from: Cursor, tag: number, end: number): void {
    if (tag === 0x0a) {
      from.enterOnly(0x12, end);
      this.id = from.text(end);
    } else if (tag === 0x12) {
      from.enterOnly(0x1a, end);
      this.stream = from.content(end);
    } else if (tag === 0x32) {
      if (from.bytes[from.at++] !== 0x0a) from.lost = true;
      const key = from.text(from.enter(end));
      from.enterOnly(0x12, end);
      this.properties.set(key, from.text(end));
    } else if (tag === 0x3a) this.metadata = from.content(end);
    else if (tag === 0x42) this.data = from.content(end);
    else from.lost = true;
  }
}

/** event_store.client.streams.ReadResp.ReadEvent */
class ResolvedMessage implements Pick<ReadEvent, 'hasEvent' | 'hasLink' | 'hasCommitPosition' | 'getCommitPosition'> {
  private event: RecordedMessage | null = null;
  private link: RecordedMessage | null = null;
  private position: string | null = null;

  constructor(from: Cursor, end: number) {
    while (from.at < end && !from.lost) {
      const tag = from.bytes[from.at++];
      if (tag === 0x0a) this.event = new RecordedMessage(from, from.enter(end));
      else if (tag === 0x12) this.link = new RecordedMessage(from, from.enter(end));
      else if (tag === 0x18) this.position = String(from.varint());
      else from.lost = true;
    }
  }

  hasEvent(): boolean {
    return this.event !== null;
  }

  getEvent(): RecordedMessage | null {
    return this.event;
  }

  hasLink(): boolean {
    return this.link !== null;
  }

  getLink(): RecordedMessage | null {
    return this.link;
  }

  hasCommitPosition(): boolean {
    return this.position !== null;
  }

  getCommitPosition(): string {
    return this.position ?? '0';
  }
}

/** event_store.client.streams.ReadResp that carries an event. The client asks for other content only where there is such a method. */
class EventResponse implements Pick<ReadResp, 'hasEvent'> {
  constructor(private readonly resolved: ResolvedMessage) {}

  hasEvent(): boolean {
    return true;
  }

  getEvent(): ResolvedMessage {
    return this.resolved;
  }
}

const byScript = streams.ReadResp.deserializeBinary.bind(streams.ReadResp);

/** null when the bytes carry something else than an event, or anything this does not expect. */
const eventResponse = (bytes: Uint8Array): EventResponse | null => {
  const from = new Cursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (bytes[from.at++] !== 0x0a) return null;
  const end = from.enter(bytes.byteLength);
  const resolved = new ResolvedMessage(from, end);
  return from.lost || end !== bytes.byteLength || from.at !== end ? null : new EventResponse(resolved);
};

/**
 * The official client has google-protobuf read every event, which is half of the processor time a catch-up costs it. This puts in its place a
 * reader of that one message; whatever else comes, and an event with fields it does not know, is left to google-protobuf.
 */
export const readEventsByHand = (): void => {
  streams.ReadResp.deserializeBinary = (bytes) => (eventResponse(bytes) as unknown as ReadResp | null) ?? byScript(bytes);
};
