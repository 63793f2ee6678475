import { type GuardedHttp, type GuardedRequest } from '../provider/http/guarded.http.js';

/** How many times each kind of event is in the made-up calendar. */
const COPIES = 6;

const ZONES = ['Europe/Paris', 'America/New_York', 'Asia/Kolkata', 'Australia/Sydney', 'Europe/London', 'Asia/Tokyo'];

/** What people have in their calendars; `$` is the day, `@` the zone, both filled in by `resource`. */
const SINGLE = ['DTSTART;TZID=@:$T090000\nDTEND;TZID=@:$T103000', 'DTSTART:$T173000Z\nDURATION:PT45M', 'DTSTART:$T070000\nDTEND:$T080000'];
const ALL_DAY = ['DTSTART;VALUE=DATE:$\nDTEND;VALUE=DATE:29991231', 'DTSTART;VALUE=DATE:$\nDURATION:P2D', 'DTSTART;VALUE=DATE:$'];
const SERIES = [
  'FREQ=DAILY;COUNT=9\nEXDATE;TZID=@:$T090000',
  'FREQ=DAILY;INTERVAL=2;UNTIL=29991231T235959Z',
  'FREQ=WEEKLY;BYDAY=MO,WE;COUNT=12\nRDATE;TZID=@:$T200000',
  'FREQ=WEEKLY;INTERVAL=2;UNTIL=29991231T235959Z',
  'FREQ=MONTHLY;BYDAY=2TU;COUNT=12',
  'FREQ=MONTHLY;COUNT=8',
  'FREQ=YEARLY',
];
const DETAILS = [
  '',
  'LOCATION:Room 4\\, first floor\nDESCRIPTION:One line\\nand another that is long enough to be folded by whoever wrote\n  it\nURL:https://example.com/',
  'ORGANIZER;CN=Nobody:mailto:nobody@example.com\nATTENDEE;CN="Somebody & Co";PARTSTAT=TENTATIVE;RSVP=TRUE:mailto:somebody@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:nobody@example.com',
  'TRANSP:TRANSPARENT\nCLASS:PRIVATE\nSTATUS:TENTATIVE\nSEQUENCE:3\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM',
];
const OVERRIDES = [
  'RECURRENCE-ID;TZID=@:$T090000\nDTSTART;TZID=@:$T110000\nDTEND;TZID=@:$T120000',
  'RECURRENCE-ID;TZID=@:$T090000\nSTATUS:CANCELLED\nDTSTART;TZID=@:$T090000\nDURATION:PT1H',
  'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=@:$T090000\nDTSTART;TZID=@:$T113000\nDURATION:PT1H',
];

/** A kind of event: lines of its master and of one changed instance, if any. */
type Kind = readonly [master: string, override: string | null];

const KINDS: readonly Kind[] = [
  ...[...SINGLE, ...SINGLE, ...ALL_DAY].map((time): Kind => [time, null]),
  ...SERIES.map((rule): Kind => [`DTSTART;TZID=@:$T090000\nDTEND;TZID=@:$T100000\nRRULE:${rule}`, null]),
  ...OVERRIDES.map((change): Kind => [`DTSTART;TZID=@:$T090000\nDTEND;TZID=@:$T100000\nRRULE:FREQ=DAILY;COUNT=10`, change]),
  ['DTSTART;VALUE=DATE:$\nRRULE:FREQ=WEEKLY;COUNT=6', null],
];

const event = (index: number, lines: string): string =>
  `BEGIN:VEVENT\nUID:warm-up-${index}\nDTSTAMP:20260101T000000Z\nSUMMARY:Warm-up \\; ${index}\n${lines}\n${DETAILS[index % DETAILS.length] ?? ''}\nEND:VEVENT\n`;

const ZONE = [
  'BEGIN:VTIMEZONE\nTZID:@\nBEGIN:STANDARD\nDTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
  'END:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19810329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n',
].join('\n');

const resource = (index: number, [master, override]: Kind, days: readonly string[]): string => {
  const changed = override === null ? '' : event(index, override);
  return `BEGIN:VCALENDAR\nVERSION:2.0\n${ZONE}${event(index, master)}${changed}END:VCALENDAR\n`
    .replaceAll('@', ZONES[index % ZONES.length] ?? '')
    .replaceAll('$', days[index % days.length] ?? '')
    .replaceAll('\n', '\r\n')
    .replaceAll('&', '&amp;');
};

/** Namespaces as some servers write them, and as others do. */
const SPELLINGS = [
  { root: 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"', dav: '', caldav: 'C:' },
  { root: 'xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav"', dav: 'd:', caldav: 'cal:' },
] as const;

type Spelling = (typeof SPELLINGS)[number];

const response = (index: number, data: string | null, { dav, caldav }: Spelling): string => {
  const found = data === null ? '' : `<${caldav}calendar-data>${data}</${caldav}calendar-data>`;
  const prop = `<${dav}prop><${dav}getetag>"${index}"</${dav}getetag>${found}</${dav}prop>`;
  return `<${dav}response><${dav}href>/warm-up/${index}.ics</${dav}href><${dav}propstat>${prop}<${dav}status>HTTP/1.1 200 OK</${dav}status></${dav}propstat></${dav}response>`;
};

const multistatus = (responses: readonly string[], { root, dav }: Spelling): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<${dav}multistatus ${root}>${responses.join('')}<${dav}sync-token>warm-up</${dav}sync-token></${dav}multistatus>`;

const ABOUT =
  '<multistatus xmlns="DAV:"><response><href>/warm-up/</href><propstat><prop><supported-report-set><supported-report><report><sync-collection/></report></supported-report></supported-report-set></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>';

/** The size in which most answers arrive. */
const CHUNK = 65_536;

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += CHUNK) {
    // In small bites: the thread has other work.
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(from, from + CHUNK);
  }
}

/** How many objects are within the next days, which are asked for first. */
const SOON = 60;

/** What a server answers in one spelling: everything, what is soon, the listing. */
const answersOf = (data: readonly string[], spelling: Spelling) => {
  const everything = data.map((text, index) => response(index, text, spelling));
  return {
    everything: multistatus(everything, spelling),
    soon: multistatus(everything.slice(0, SOON), spelling),
    listing: multistatus(
      data.map((_, index) => response(index, null, spelling)),
      spelling,
    ),
  };
};

/** A CalDAV server in memory with a made-up calendar on some days (`20260301`); every calendar read whole is spelled otherwise than the one before. */
export const madeUpServer = (days: readonly string[]): GuardedHttp => {
  const data = Array.from({ length: COPIES }, () => KINDS)
    .flat()
    .map((kind, index) => resource(index, kind, days));
  const spelled = SPELLINGS.map((spelling) => answersOf(data, spelling));
  let reads = 0;
  const answerTo = ({ method, body }: GuardedRequest): string => {
    if (method === 'PROPFIND') return ABOUT;
    const answers = spelled[reads % spelled.length];
    if (body?.includes('time-range') === true) return answers?.soon ?? '';
    if (body?.includes('calendar-query') === true) return answers?.everything ?? '';
    reads += 1;
    return answers?.listing ?? '';
  };
  return {
    request: (request, _, read) =>
      read({ status: 207, url: request.url, header: () => null, authorized: true, body: chunksOf(answerTo(request)) }),
    close: () => Promise.resolve(),
  };
};
