import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Fault, STATUS } from './grpc-status.js';
import { type Allowance } from './allowance.js';

/** One call of a client, as its handler sees it. */
export type Call = Readonly<{
  /** The client's messages in order; ends when the client has sent its last. */
  requests: AsyncIterable<Buffer>;
  /** Aborted when the answer is no longer awaited: the client is gone, its deadline has passed, or the server stops. */
  signal: AbortSignal;
  /** Sends messages made by `framed`; resolves when more may be sent, rejects when the call is over. */
  send: (frames: Uint8Array) => Promise<void>;
}>;

/** The largest message taken, one byte more than EventStoreDB's largest record. */
const MAX_MESSAGE = 17 * 1_048_576;
const PREFIX = 5;
/** Bytes handed to the connection that are not on their way yet, before a sender has to wait. */
const UNSENT = 256 * 1_024;

/** A message as it travels: not compressed, its length, itself (grpc/grpc, doc/PROTOCOL-HTTP2.md). */
export const framed = (message: Readonly<{ serializeBinary(): Uint8Array }>): Buffer => {
  const bytes = message.serializeBinary();
  const frame = Buffer.allocUnsafe(PREFIX + bytes.byteLength);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(bytes.byteLength, 1);
  frame.set(bytes, PREFIX);
  return frame;
};

/** Resolves when there is something to read or the stream has ended or broken off. */
const readable = (stream: ServerHttp2Stream): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stream.off('readable', done).off('end', done).off('close', done);
      resolve();
    };
    stream.on('readable', done).on('end', done).on('close', done);
  });

async function* chunksOf(stream: ServerHttp2Stream, signal: AbortSignal): AsyncGenerator<Buffer> {
  while (!signal.aborted) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) yield chunk;
    else if (stream.readableEnded || stream.destroyed) return;
    else await readable(stream);
  }
  throw signal.reason;
}

const lengthOf = (prefix: Buffer): number => {
  if (prefix.readUInt8(0) !== 0) throw new Fault(STATUS.unimplemented, 'Compressed messages are not supported.');
  const length = prefix.readUInt32BE(1);
  if (length > MAX_MESSAGE) throw new Fault(STATUS.resourceExhausted, `A message may have ${MAX_MESSAGE} bytes at most.`);
  return length;
};

/** Cuts what comes into messages. What waits to become whole counts against the allowance. */
async function* messagesOf(stream: ServerHttp2Stream, signal: AbortSignal, held: Allowance): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted: number | null = null;
  const joined = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  const next = (): Buffer | null => {
    if (size < PREFIX) return null;
    wanted ??= PREFIX + lengthOf(joined());
    if (size < wanted) return null;
    const all = joined();
    const message = all.subarray(PREFIX, wanted);
    chunks = [all.subarray(wanted)];
    size -= wanted;
    held.give(wanted);
    wanted = null;
    return message;
  };
  try {
    for await (const chunk of chunksOf(stream, signal)) {
      if (!held.take(chunk.byteLength)) throw new Fault(STATUS.resourceExhausted, 'Too much is being sent at once.');
      chunks.push(chunk);
      size += chunk.byteLength;
      for (let message = next(); message !== null; message = next()) yield message;
    }
    if (size > 0) throw new Fault(STATUS.invalidArgument, 'The last message is not whole.');
  } finally {
    held.give(size);
  }
}

/** What can be done with a call besides handling it. `end` answers its status, once; a null fault is success. */
export type Ending = Readonly<{ call: Call; abort: (reason: Fault) => void; end: (fault: Fault | null) => void }>;

const percent = (text: string): string => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** EventStoreDB sends names as they are; what HTTP does not carry in a header is escaped. */
const headerOf = (text: string): string => text.replace(/^ | $|[^\x20-\x7e]/gu, percent);

const statusOf = (fault: Fault | null): OutgoingHttpHeaders => ({
  'grpc-status': String(fault?.code ?? STATUS.ok),
  ...(fault === null ? {} : { 'grpc-message': headerOf(fault.message.replaceAll('%', '%25')) }),
  ...Object.fromEntries(Object.entries(fault?.trailers ?? {}).map(([name, value]) => [name, headerOf(value)])),
});

const HEADERS: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** Writes to a stream with a limited number of bytes under way. */
const sender = (stream: ServerHttp2Stream, signal: AbortSignal): Call['send'] => {
  let unsent = 0;
  const waiting: (() => void)[] = [];
  const resume = (): void => {
    for (const each of waiting.splice(0)) each();
  };
  const check = (): void => {
    if (signal.aborted || stream.destroyed) throw new Fault(STATUS.cancelled, 'The call is over.');
  };
  signal.addEventListener('abort', resume);
  return async (frames) => {
    check();
    if (!stream.headersSent) stream.respond(HEADERS, { waitForTrailers: true });
    unsent += frames.byteLength;
    stream.write(frames, () => {
      unsent -= frames.byteLength;
      if (unsent <= UNSENT) resume();
    });
    if (unsent > UNSENT) await new Promise<void>((resolve) => waiting.push(resolve));
    check();
  };
};

/** A gRPC call on an HTTP/2 stream. `held` limits what all calls together keep of unfinished messages. */
export const openCall = (stream: ServerHttp2Stream, held: Allowance): Ending => {
  const over = new AbortController();
  let ended = false;
  const abort = (reason: Fault): void => {
    if (!over.signal.aborted) over.abort(reason);
  };
  const gone = (): void => {
    abort(new Fault(STATUS.cancelled, 'The client has gone.'));
  };
  stream.on('error', gone).on('aborted', gone).on('close', gone);
  const end = (fault: Fault | null): void => {
    if (ended || stream.destroyed) return;
    ended = true;
    const status = statusOf(fault);
    // A client that goes on sending is told to stop, after the status: a reset before the trailers would take them away.
    const hangUp = (): void => {
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    };
    if (stream.headersSent) {
      stream.once('wantTrailers', () => {
        stream.sendTrailers(status);
        // Node drops trailers that are still being handed over when the stream is closed.
        setImmediate(hangUp);
      });
      stream.end();
    } else {
      stream.respond({ ...HEADERS, ...status }, { endStream: true });
      stream.once('finish', hangUp);
    }
    // What the client has sent already is let go.
    stream.resume();
  };
  const requests = messagesOf(stream, over.signal, held);
  return { call: { requests, signal: over.signal, send: sender(stream, over.signal) }, abort, end };
};
