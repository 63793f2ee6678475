import { randomBytes } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { feedCodec } from './calendar/calendar.codec.js';
import { type DeltaSynced, type Upsert } from './calendar/feed.js';
import { windowAt } from './calendar/generation.js';
import { toUpsert } from './calendar/upsert.js';
import { marker, sealer } from './infra/vault/sealing.aes.js';
import { rowsOf } from './merged-events/occurrence-rows.js';
import { parseResource } from './provider/caldav/ics.mapping.js';
import { readMultistatus, textOf } from './provider/caldav/multistatus.wire.js';

const CALENDAR = '00000000-0000-8000-8000-000000000000';
const ROUNDS = 40;
const OBJECTS = 100;

const resource = (index: number, day: string): string =>
  [
    'BEGIN:VCALENDAR',
    'BEGIN:VEVENT',
    `UID:${index}`,
    index % 10 === 0 ? `DTSTART;VALUE=DATE:${day}` : `DTSTART;TZID=${index % 2 === 0 ? 'Europe/Paris' : 'America/New_York'}:${day}T090000`,
    'DURATION:PT1H',
    ...(index % 5 === 0 ? ['RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=12'] : []),
    'SUMMARY:Warm-up',
    'ATTENDEE;CN=Nobody;PARTSTAT=ACCEPTED:mailto:nobody@example.com',
    'END:VEVENT',
    'END:VCALENDAR',
  ].join('\r\n');

const answer = (day: string): string =>
  `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${Array.from(
    { length: OBJECTS },
    (_, index) =>
      `<d:response><d:href>/warm/${index}.ics</d:href><d:propstat><d:prop><d:getetag>"${index}"</d:getetag><c:calendar-data>${resource(index, day)}</c:calendar-data></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`,
  ).join('')}</d:multistatus>`;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  await breathe();
  yield Buffer.from(text);
}

const readAndSeal = async (text: string): Promise<readonly Upsert[]> => {
  const key = randomBytes(32);
  const ink = { calendarId: CALENDAR, seal: sealer(key, 'warm-up').seal, mark: marker(key) };
  const upserts: Upsert[] = [];
  await readMultistatus(bytesOf(text), (row) => {
    const source = { remoteId: row.href, etag: textOf(row, 'd:getetag'), ownAddresses: [] };
    upserts.push(toUpsert(ink, parseResource(textOf(row, 'c:calendar-data') ?? '', source), null));
  });
  return upserts;
};

/**
 * Reads a made-up calendar again and again through the code of a sync and of its projection, in memory, until the engine has compiled it:
 * otherwise the first person to connect after a start waits twice as long. A second of one core, in small bites, with nothing kept.
 */
export const warmUp = async (now: number, signal: AbortSignal): Promise<void> => {
  const window = windowAt(now);
  const text = answer(window.start.slice(0, 10).replaceAll('-', ''));
  for (let round = 0; round < ROUNDS && !signal.aborted; round += 1) {
    const upserts = await readAndSeal(text);
    const rest = { removals: [], kept: [], final: false, generation: 1, window, at: window.start, userId: 'warm-up', calendarId: CALENDAR };
    const delta: DeltaSynced = { type: 'DeltaSynced', upserts, ...rest };
    const { type, data } = feedCodec.encode(delta);
    await breathe();
    const read = feedCodec.decode(type, JSON.parse(JSON.stringify(data)));
    for (const upsert of read.upserts) rowsOf([{ generation: 1, ...upsert }], window, 'UTC');
    await breathe();
  }
};
