import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
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
  it('is read whatever prefixes it uses and however it arrives', async () => {
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

describe('a refusal', () => {
  it('tells its conditions', async () => {
    expect(await readConditions(inPieces('<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>'))).toEqual(['d:valid-sync-token']);
  });

  it.each(['', 'no', '<html></html>', '<d:error xmlns:d="DAV:">', 'x'.repeat(100_000)])('without any says nothing: %.20s', async (body) => {
    expect(await readConditions(inPieces(body, 1_000))).toEqual([]);
  });
});
