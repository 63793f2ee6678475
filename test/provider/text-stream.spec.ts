import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';
import { calendarText, textIn } from '../../src/provider/http/text.stream.js';

const FOLDED = [
  'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261214T080000Z\r\nDTEND:20261214T090000Z\r\nSUMMARY:',
  'END:VEVENT\r\nEND:VCALENDAR\r\n',
] as const;
const titleIn = (bytes: Buffer, charset: string | null = 'utf-8'): string | null =>
  parseResource(calendarText(bytes, charset), { remoteId: '', etag: null, ownAddresses: [] }).components[0]?.contents.title ?? null;

/** An event whose title is folded after so many bytes, wherever that is. */
const foldedAfter = (title: string, octets: number, fold = '\r\n '): Buffer => {
  const bytes = Buffer.from(title);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += octets) pieces.push(bytes.subarray(at, at + octets));
  return Buffer.concat([
    Buffer.from(FOLDED[0]),
    ...pieces.flatMap((piece, index) => (index === 0 ? [piece] : [Buffer.from(fold), piece])),
    Buffer.from(`\r\n${FOLDED[1]}`),
  ]);
};

describe('an object as its bytes came', () => {
  it.each(['\r\n ', '\n ', '\r\n\t', '\r '])('keeps its title however it is folded, also inside a character, by %j', (fold) => {
    for (let octets = 1; octets < 20; octets += 1)
      expect(titleIn(foldedAfter('Größenprüfung 🔍 Halle', octets, fold))).toBe('Größenprüfung 🔍 Halle');
  });

  it('keeps any title', () => {
    const title = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /^[^\p{C}\s\\]([^\p{C}\\]*[^\p{C}\s\\])?$/u.test(text));
    fc.assert(
      fc.property(
        title,
        fc.integer({ min: 1, max: 75 }),
        fc.constantFrom(null, 'utf-8', 'iso-8859-1', 'us-ascii', 'windows-1252', 'no-such-charset'),
        (text, octets, charset) => {
          fc.pre(!/[\u007F-\u009F]|  /.test(text));
          expect(titleIn(foldedAfter(text, octets), charset)).toBe(text);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['of UTF-8 that is labelled otherwise', Buffer.from('Größe'), 'iso-8859-1', 'Größe'],
    ['of UTF-8 that is labelled as nothing', Buffer.from('Größe'), null, 'Größe'],
    ['of UTF-8 with an unknown label', Buffer.from('Größe'), 'klingon', 'Größe'],
    ['of Latin 1 that is labelled so', Buffer.from('Größe', 'latin1'), 'iso-8859-1', 'Größe'],
    ['of ISO 2022, which looks like ASCII', Buffer.from([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42]), 'iso-2022-jp', '日'],
  ])('has a title %s', (_, title, charset, read) => {
    expect(titleIn(Buffer.concat([Buffer.from(FOLDED[0]), title, Buffer.from(`\r\n${FOLDED[1]}`)]), charset)).toBe(read);
  });

  it.each([
    ['with a byte order mark', '\uFEFF', null],
    ['without one', '', 'utf-16le'],
  ])('in 16 bits %s is read as that', (_, mark, charset) => {
    const text = `${mark}${FOLDED[0]}Größ\r\n e\r\n${FOLDED[1]}`;
    expect(titleIn(Buffer.from(text, 'utf16le'), charset)).toBe('Größe');
  });
});

describe('a text of nothing but line ends', () => {
  it.each(['\r', '\n', '\r\r\n', '\n '])('such as %j is read in the time that its length takes', (end) => {
    expect(() => titleIn(Buffer.from(end.repeat(300_000)))).toThrow('object.not-icalendar');
  });
});

describe('a text that arrives in pieces', () => {
  const read = async (bytes: Buffer, size: number, charset: string | null): Promise<string> => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
    }
    let text = '';
    for await (const part of textIn(pieces(), charset)) text += part;
    return text;
  };

  it('is UTF-8 when it is valid UTF-8, under any label and cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('iso-8859-1', 'windows-1252', 'utf-8', null),
        async (text, size, charset) => {
          fc.pre(!text.startsWith('\uFEFF'));
          expect(await read(Buffer.from(text), size, charset)).toBe(text);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is what its label says when it is no UTF-8, wherever it is cut', async () => {
    const text = 'Fête à Noël, déjà';
    for (let size = 1; size < 20; size += 1) expect(await read(Buffer.from(text, 'latin1'), size, 'iso-8859-1')).toBe(text);
    expect(await read(Buffer.from('Noë', 'latin1'), 99, 'iso-8859-1')).toBe('Noë');
  });
});
