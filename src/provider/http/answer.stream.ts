import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Dispatcher } from 'undici';
import { ProviderFault } from '../calendar-provider.js';

/** A header as text, the first when it came several times; null when it is missing. */
export const headerOf = (value: string | string[] | undefined): string | null =>
  Array.isArray(value) ? (value[0] ?? null) : (value ?? null);

const tooLarge = (): ProviderFault => new ProviderFault('malformed', 'the answer is larger than any calendar should be');

/** Passes chunks on until they are more than `limit` bytes; then throws `malformed`. */
export async function* limited(chunks: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.byteLength;
    if (received > limit) throw tooLarge();
    yield chunk;
  }
}

/**
 * Takes what arrives without ever holding the connection back, up to a limit. A paused undici 6 whose HTTP/1.0 server closes the
 * connection fails an assertion in a socket callback, which cannot be caught and ends the process (`client-h1.js`, `finish`).
 */
export const unpaused = (body: Readable, limit: number): Readable => {
  // Piece by piece, as it came: one that hands over all that waits would first put it together.
  const taken = new Readable({ objectMode: true, read: () => undefined }).on('error', () => undefined);
  let received = 0;
  body.on('data', (chunk: Uint8Array) => {
    received += chunk.byteLength;
    if (received <= limit) taken.push(chunk);
    else body.destroy(tooLarge());
  });
  body.on('end', () => taken.push(null));
  body.on('error', (error) => taken.destroy(error));
  return taken;
};

/** The bytes behind a `content-encoding` of gzip, the only one that is asked for. */
export const decompressed = (headers: Dispatcher.ResponseData['headers'], body: Readable): AsyncIterable<Uint8Array> => {
  if (headerOf(headers['content-encoding']) !== 'gzip') return body as AsyncIterable<Uint8Array>;
  const gunzip = createGunzip().on('error', () => undefined);
  body.on('error', (error) => gunzip.destroy(error));
  return body.pipe(gunzip) as AsyncIterable<Uint8Array>;
};
