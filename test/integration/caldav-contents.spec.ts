import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Change } from '../../src/provider/calendar-provider.js';
import { nearHttp, nearProvider, scanAll } from '../support/caldav.js';
import { type DavServer, escapeXml, startDavServer } from '../support/dav-server.js';

const http = nearHttp();
const provider = nearProvider(http);
const ADDRESS = '/cal/anna/arbeit/lunch.ics';
const TITLE = 'Größenprüfung 🔍 & <Halle>';
let server: DavServer;

/** A title and a description that are folded where any generator may fold, the title inside a character when `bytes` is meant. */
const TEXT = [
  ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', 'UID:1', 'DTSTART:20261214T080000Z', 'DTEND:20261214T090000Z'],
  ...[`SUMMARY:${TITLE}`, 'DESCRIPTION:One\\nline', ' and another', 'END:VEVENT', 'END:VCALENDAR', ''],
].join('\r\n');

beforeEach(async () => {
  server = await startDavServer();
  server.objects = [{ listed: ADDRESS, known: [ADDRESS], etag: '"1"', text: TEXT }];
});
afterEach(() => server.stop());
afterAll(() => http.close());

const only = async (): Promise<Change | undefined> => {
  const { changes } = await scanAll(provider, { serverUrl: server.url, username: 'anna', password: 'geheim' }, server.calendar);
  return changes.length === 1 ? changes[0] : undefined;
};

const MEANT = { kind: 'object', object: { components: [{ contents: { title: TITLE, description: 'One\nlineand another' } }] } };

const lines = (end: string): string => escapeXml(TEXT).replaceAll('\r\n', end);

describe('contents in an answer for many', () => {
  it.each([
    ['as they were stored', lines('\r\n')],
    ['with every line end as &#13;&#10;', lines('&#13;&#10;')],
    ['with every line end as &#13; and a line feed', lines('&#13;\n')],
    ['with every line end as &#13;', lines('&#13;')],
    ['with every line end as &#xD;', lines('&#xD;')],
    ['with every line end as a line feed', lines('\n')],
    ['with every line end as a bare carriage return', lines('\r')],
    ['with every line end as two carriage returns and a line feed', lines('&#13;&#13;&#10;')],
    ['with white space around them', `\n      ${lines('\n')}\n   \t`],
    ['with white space around them and line ends as &#13;', `\r\n \t${lines('&#13;')}&#13;\n   `],
    ['with a byte order mark', `\uFEFF${lines('\r\n')}`],
    ['as character data', `<![CDATA[${TEXT}]]>`],
  ])('%s are the same event', async (_, xml) => {
    server.written = { ...server.written, xml: () => xml };
    expect(await only()).toMatchObject(MEANT);
  });
});

describe('contents that come by GET', () => {
  const inside = Buffer.from(TEXT).indexOf(Buffer.from('ü')) + 1;
  const folded = Buffer.concat([Buffer.from(TEXT).subarray(0, inside), Buffer.from('\r\n '), Buffer.from(TEXT).subarray(inside)]);

  beforeEach(() => {
    server.refuses.multiget = 501;
  });

  it.each([
    ['folded inside a character', folded, 'text/calendar; charset=utf-8'],
    ['folded inside a character, by a header that names no encoding', folded, 'text/calendar'],
    ['folded inside a character, by a header that names another encoding', folded, 'text/calendar; charset=ISO-8859-1'],
    ['in UTF-8, by a header that names an unknown encoding', Buffer.from(TEXT), 'text/calendar; charset=klingon'],
    ['with bare carriage returns', Buffer.from(TEXT.replaceAll('\r\n', '\r')), 'text/calendar'],
    ['with a byte order mark and a blank line', Buffer.from(`\uFEFF\r\n${TEXT}`), 'text/calendar'],
    ['in 16 bits', Buffer.from(`\uFEFF${TEXT}`, 'utf16le'), 'text/calendar'],
  ])('%s are the same event', async (_, body, type) => {
    server.written = { ...server.written, body: () => body, type };
    expect(await only()).toMatchObject(MEANT);
  });
});
