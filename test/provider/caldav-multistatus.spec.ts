import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { charsetOf } from '../../src/provider/http/charset.js';
import { hrefsOf, readConditions, readMultistatus, type Row, textOf } from '../../src/provider/caldav/multistatus.wire.js';

async function* inPieces(text: string, size = text.length): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield await Promise.resolve(bytes.subarray(start, start + size));
}

const read = async (text: string, size?: number): Promise<Readonly<{ rows: readonly Row[]; token: string | null }>> => {
  const rows: Row[] = [];
  const token = await readMultistatus(inPieces(text, size), (row) => rows.push(row));
  return { rows, token };
};

const ANSWER = `<?xml version="1.0" encoding="utf-8"?>
<x:multistatus xmlns:x="DAV:" xmlns="urn:ietf:params:xml:ns:caldav" xmlns:q="http://example.org/">
  <x:response>
    <x:href> /a/%C3%A9.ics </x:href>
    <x:propstat>
      <x:prop><x:getetag>"1"</x:getetag><calendar-data><![CDATA[BEGIN:X é <&>]]>&#13;
END:X</calendar-data><q:getetag>not ours</q:getetag></x:prop>
      <x:status>HTTP/1.1 200 OK</x:status>
    </x:propstat>
    <x:propstat><x:prop><x:displayname/></x:prop><x:status>HTTP/1.1 404 Not Found</x:status></x:propstat>
  </x:response>
  <x:response><x:href>/b</x:href><x:href>/c</x:href><x:status>HTTP/1.1 404 Gone &amp; lost</x:status></x:response>
  <x:sync-token>007</x:sync-token>
</x:multistatus>`;

describe('a multistatus', () => {
  it('is read with any prefixes and in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (size) => {
        const { rows, token } = await read(ANSWER, size);
        expect(token).toBe('007');
        expect(rows.map(({ href, status, failed }) => [href, status, failed])).toEqual([
          ['/a/%C3%A9.ics', null, 404],
          ['/b', 404, null],
          ['/c', 404, null],
        ]);
        const [first] = rows;
        expect(first && textOf(first, 'd:getetag')).toBe('"1"');
        expect(first && textOf(first, 'c:calendar-data')).toBe('BEGIN:X é <&>\r\nEND:X');
        expect(first && textOf(first, 'd:displayname')).toBeNull();
      }),
      { numRuns: 40 },
    );
  });

  it('keeps a response that names nothing, so that it can be counted', async () => {
    const { rows } = await read(
      '<m:multistatus xmlns:m="DAV:"><m:response><m:status>HTTP/1.1 200 OK</m:status></m:response></m:multistatus>',
    );
    expect(rows.map(({ href, status }) => [href, status])).toEqual([['', 200]]);
  });

  it('that breaks off anywhere is no multistatus', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: ANSWER.length - 1 }), async (length) => {
        await expect(read(ANSWER.slice(0, length))).rejects.toMatchObject({ fault: 'malformed' });
      }),
    );
  });

  it.each([
    ['an entity of its own', '<!DOCTYPE m [<!ENTITY a "aaaa">]><m:multistatus xmlns:m="DAV:">&a;</m:multistatus>'],
    ['an unknown entity', '<m:multistatus xmlns:m="DAV:">&a;</m:multistatus>'],
    ['a thousand levels', `<m:multistatus xmlns:m="DAV:">${'<a>'.repeat(1_000)}${'</a>'.repeat(1_000)}</m:multistatus>`],
    ['another root', '<m:response xmlns:m="DAV:"><m:href>/</m:href></m:response>'],
    ['no namespace', '<multistatus><response/></multistatus>'],
    ['two roots', '<m:multistatus xmlns:m="DAV:"/><m:multistatus xmlns:m="DAV:"/>'],
  ])('with %s is refused', async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({ fault: 'malformed' });
  });

  it('is read although it declares a document type, as long as it uses nothing of it', async () => {
    const { rows } = await read('<!DOCTYPE m SYSTEM "http://127.0.0.1/m.dtd" [<!ENTITY a "b">]><m:multistatus xmlns:m="DAV:"/>');
    expect(rows).toEqual([]);
  });

  it('is read whole although somebody’s text holds what XML forbids, and after a blank line', async () => {
    const { rows } = await read(
      '\n<?xml version="1.0"?><multistatus xmlns="DAV:"><response>' +
        '<href>/a\u000C</href><propstat><prop><getetag>a]]>b&#2;c</getetag></prop></propstat></response></multistatus>',
    );
    expect(rows[0] && textOf(rows[0], 'd:getetag')).toMatch(/^a]]>b.*c$/);
  });

  it('keeps large texts whole', async () => {
    const large = 'x'.repeat(300_000);
    const { rows } = await read(
      `<m xmlns="DAV:"/>`.replace(
        '<m xmlns="DAV:"/>',
        `<d:multistatus xmlns:d="DAV:"><d:response><d:href>/</d:href><d:propstat><d:prop><d:getetag>${large}</d:getetag><d:resourcetype><d:href>/p</d:href></d:resourcetype></d:prop></d:propstat></d:response></d:multistatus>`,
      ),
      4_096,
    );
    expect(rows[0] && textOf(rows[0], 'd:getetag')).toBe(large);
    expect(rows[0] && hrefsOf(rows[0], 'd:resourcetype')).toEqual(['/p']);
  });
});

describe('the encoding of a multistatus', () => {
  const title = async (bytes: Uint8Array, charset: string | null): Promise<string | null> => {
    const rows: Row[] = [];
    await readMultistatus(chunksOf(bytes), (row) => rows.push(row), charset);
    return rows[0] === undefined ? null : textOf(rows[0], 'd:displayname');
  };
  async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 300) yield await Promise.resolve(bytes.subarray(at, at + 300));
  }
  const named = (declaration = '') =>
    `${declaration}<m:multistatus xmlns:m="DAV:"><m:response><m:href>/a</m:href><m:propstat><m:prop><m:displayname>Fête à Noël</m:displayname></m:prop></m:propstat></m:response></m:multistatus>`;

  it.each([
    ['UTF-8 unless it says otherwise', Buffer.from(named()), null],
    ['what its content type says', Buffer.from(named(), 'latin1'), 'iso-8859-1'],
    ['what it declares', Buffer.from(named('<?xml version="1.0" encoding="ISO-8859-1"?>'), 'latin1'), null],
    ['what its byte order mark says, against its header', Buffer.from(`\uFEFF${named()}`, 'utf16le'), 'iso-8859-1'],
  ])('is %s', async (_, bytes, charset) => {
    expect(await title(bytes, charset)).toBe('Fête à Noël');
  });

  it('that is unknown makes it malformed', async () => {
    await expect(title(Buffer.from(named()), 'klingon')).rejects.toMatchObject({ fault: 'malformed' });
    await expect(title(Buffer.from(named('<?xml version="1.0" encoding="x-rot13"?>')), null)).rejects.toMatchObject({ fault: 'malformed' });
  });

  it.each([
    ['text/xml; charset=UTF-8', 'utf-8'],
    ['text/calendar;charset="ISO-8859-1"; component=vevent', 'iso-8859-1'],
    ['text/xml', null],
    ['text/xml; charset=', null],
    [null, null],
  ])('named by %s is %s', (contentType, charset) => {
    expect(charsetOf(contentType)).toBe(charset);
  });
});

describe('a multistatus that is an attack', () => {
  const many = (count: number, piece: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => piece(index)).join('');

  it.each([
    ['elements in elements', many(100_000, () => '<a>')],
    ['attributes', `<a ${many(200_000, (index) => `a${index}="" `)}/>`],
    ['declarations of namespaces', `<a ${many(200_000, (index) => `xmlns:a${index}="u" `)}/>`],
    ['entities', '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>&b;'],
    ['an undeclared entity', '&lol;'],
  ])('by %s is malformed', async (_, attack) => {
    await expect(read(`<m:multistatus xmlns:m="DAV:">${attack}</m:multistatus>`, 65_536)).rejects.toMatchObject({ fault: 'malformed' });
  });

  it('by the size of one text is read no further than it is long', async () => {
    const { rows } = await read(
      `<m:multistatus xmlns:m="DAV:"><m:response><m:href>${'/'.repeat(3_000_000)}</m:href><m:status>HTTP/1.1 ${' '.repeat(300_000)}200</m:status></m:response></m:multistatus>`,
      65_536,
    );
    expect(rows).toHaveLength(1);
  });
});

describe('a refusal', () => {
  it('tells its conditions', async () => {
    expect(await readConditions(inPieces('<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>'))).toEqual(['d:valid-sync-token']);
  });

  it.each(['', 'no', '<html></html>', '<d:error xmlns:d="DAV:">', 'x'.repeat(100_000)])('without any says nothing: %.20s', async (body) => {
    expect(await readConditions(inPieces(body, 1_000))).toEqual([]);
  });
});
