import { TextDecoder } from 'node:util';
import { ProviderFault } from '../calendar-provider.js';
import { declaredCharset } from './charset.js';

type Chunks = AsyncIterable<Uint8Array>;

/** A byte order mark says more than any label, which servers add without looking. */
const markOf = (first: Uint8Array): string | null => {
  if (first[0] === 0xff && first[1] === 0xfe) return 'utf-16le';
  return first[0] === 0xfe && first[1] === 0xff ? 'utf-16be' : null;
};

const decoderFor = (first: Uint8Array, charset: string | null): TextDecoder => {
  const declared = declaredCharset(Buffer.from(first.subarray(0, 256)).toString('latin1'));
  try {
    return new TextDecoder(markOf(first) ?? charset ?? declared ?? 'utf-8');
  } catch {
    throw new ProviderFault('malformed', 'the answer is in an encoding nobody knows');
  }
};

/**
 * Text of an answer, piece by piece: in the encoding of its byte order mark, of `charset` (from its `content-type`), or of its XML
 * declaration; else UTF-8. What cannot be decoded becomes U+FFFD.
 */
export async function* textIn(body: Chunks, charset: string | null): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  for await (const chunk of body) {
    decoder ??= decoderFor(chunk, charset);
    yield decoder.decode(chunk, { stream: true });
  }
  if (decoder !== null) yield decoder.decode();
}
