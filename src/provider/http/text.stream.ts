import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { ProviderFault } from '../calendar-provider.js';
import { declaredCharset } from './charset.js';

type Chunks = AsyncIterable<Uint8Array>;

/** A byte order mark says more than any label, which servers add without looking. */
const markOf = (first: Uint8Array): string | null => {
  if (first[0] === 0xff && first[1] === 0xfe) return 'utf-16le';
  return first[0] === 0xfe && first[1] === 0xff ? 'utf-16be' : null;
};

const decoderOf = (charset: string): TextDecoder => {
  try {
    return new TextDecoder(charset);
  } catch {
    throw new ProviderFault('malformed', 'the answer is in an unknown encoding');
  }
};

/** Encodings of which a text may look like UTF-8 without being it: those of 16 bits, and those that switch by an escape. */
const LOOKS_LIKE_UTF8 = /^(?:utf-?16|ucs-?2|unicode|iso-10646|iso-2022|csiso2022|hz-gb|utf-?7)/i;

/** How many bytes at the end begin a character of UTF-8 that goes on in the next piece. */
const unfinished = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
};

/**
 * UTF-8 for as long as the text is that, against its label, then what the label says: a text of another encoding is no UTF-8 from its
 * first letter outside ASCII on.
 */
async function* unlessUtf8(body: Chunks, labelled: TextDecoder): AsyncGenerator<string> {
  let [isStillUtf8, rest]: [boolean, Buffer] = [true, Buffer.alloc(0)];
  for await (const chunk of body) {
    const bytes = Buffer.concat([rest, chunk]);
    const whole = isStillUtf8 ? bytes.length - unfinished(bytes) : bytes.length;
    isStillUtf8 &&= isUtf8(bytes.subarray(0, whole));
    rest = isStillUtf8 ? bytes.subarray(whole) : Buffer.alloc(0);
    yield isStillUtf8 ? bytes.toString('utf8', 0, whole) : labelled.decode(bytes, { stream: true });
  }
  yield labelled.decode(rest);
}

async function* decoded(body: Chunks, decoder: TextDecoder): AsyncGenerator<string> {
  for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

async function* after(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/**
 * Text of an answer, piece by piece: in the encoding of its byte order mark; in UTF-8 where it is that, against its label; of `charset`
 * (from its `content-type`), or of its XML declaration. What cannot be decoded becomes U+FFFD.
 */
export async function* textIn(body: Chunks, charset: string | null): AsyncGenerator<string> {
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  try {
    const declared = declaredCharset(Buffer.from(first.value.subarray(0, 256)).toString('latin1'));
    const mark = markOf(first.value);
    const decoder = decoderOf(mark ?? charset ?? declared ?? 'utf-8');
    const isPlain = mark !== null || decoder.encoding === 'utf-8' || LOOKS_LIKE_UTF8.test(decoder.encoding);
    yield* (isPlain ? decoded : unlessUtf8)(after(first.value, chunks), decoder);
  } finally {
    await chunks.return?.();
  }
}

/** A line end that the next line continues (RFC 5545 3.1): generators fold after 75 octets, in the middle of a character too. */
const FOLD = /(?:(?<!\r)\r*\n|\r)[ \t]/g;

const known = (charset: string | null): TextDecoder => {
  try {
    return new TextDecoder(charset ?? 'utf-8');
  } catch {
    return new TextDecoder();
  }
};

/**
 * Text of an iCalendar object as its bytes came: unfolded first, then decoded, in UTF-8 where it is that, else in `charset`; in UTF-8 as far
 * as that goes where the label is unknown.
 */
export const calendarText = (bytes: Buffer, charset: string | null): string => {
  const mark = markOf(bytes);
  const labelled = known(mark ?? charset);
  if (mark !== null || /^utf-16/.test(labelled.encoding)) return labelled.decode(bytes);
  const unfolded = Buffer.from(bytes.toString('latin1').replace(FOLD, ''), 'latin1');
  const isLabelled = LOOKS_LIKE_UTF8.test(labelled.encoding) || !isUtf8(unfolded);
  return (isLabelled ? labelled : new TextDecoder()).decode(unfolded);
};
