import { randomUUID } from 'node:crypto';
import { calendarCodec } from '../src/calendar/calendar.codec.js';
import { feedCodec } from '../src/sync/feed.codec.js';
import { type CalendarObject } from '../src/calendar/calendar-object.js';
import { toUpsert } from '../src/sync/upsert.js';
import { connectionCodec } from '../src/connection/connection.codec.js';
import { metadataOf, systemCause } from '../src/kernel/cause.js';
import { type EventStore, type Metadata } from '../src/kernel/event-store.js';
import { type TimeRange } from '../src/kernel/time-range.js';
import { type Vault } from '../src/kernel/vault.js';
import { parseResource } from '../src/provider/caldav/ics.mapping.js';

/** People whose calendars stand in the log as a sync would have left them: `person-0`, `person-1`, … */
export type Population = Readonly<{ people: number; singles: number; series: number }>;

type Runtime = Readonly<{ store: EventStore; vault: Vault }>;

const DAY = 86_400_000;
const KINDS = 10;
const AT_ONCE = 16;

export const personOf = (index: number): string => `person-${index}`;

const basic = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');

const resource = (uid: string, start: number, rule: string | null): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//bench//EN',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20260101T000000Z',
    `SUMMARY:Planning ${uid}`,
    'LOCATION:Room 4, second floor',
    'DESCRIPTION:Agenda and the notes of last time are in the shared folder.',
    `DTSTART:${basic(start)}`,
    `DTEND:${basic(start + DAY / 24)}`,
    ...(rule === null ? [] : [`RRULE:${rule}`]),
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');

/** A person's objects: weekly series at different hours, and single events spread over the window. */
const objectsOf = ({ singles, series }: Population, kind: number, window: TimeRange): readonly CalendarObject[] => {
  const start = Date.parse(window.start);
  const span = (Date.parse(window.end) - start) / Math.max(1, singles);
  const texts = [
    ...Array.from({ length: series }, (_, index) =>
      resource(`series-${kind}-${index}`, start - 70 * DAY + ((index * 29 + kind) % 168) * (DAY / 24), 'FREQ=WEEKLY'),
    ),
    ...Array.from({ length: singles }, (_, index) => resource(`single-${kind}-${index}`, start + index * span + kind * 600_000, null)),
  ];
  return texts.map((text, index) => parseResource(text, { remoteId: `/${kind}/${index}.ics`, etag: `"${index}"`, ownAddresses: [] }));
};

const metadata = (): Metadata => metadataOf(systemCause('sync', null, randomUUID()), randomUUID());

const settle = async (
  { store, vault }: Runtime,
  userId: string,
  objects: readonly CalendarObject[],
  window: TimeRange,
): Promise<bigint> => {
  const [connectionId, calendarId, at] = [randomUUID(), randomUUID(), new Date().toISOString()];
  await vault.keep(userId, connectionId, { username: userId, password: 'none' });
  await vault.activate(connectionId);
  const { seal } = await vault.connection(userId, connectionId);
  const mark = await vault.marker(userId);
  const [provider, sealed] = ['caldav', seal(`calendar:${calendarId}`, JSON.stringify({ name: 'Work', remoteId: '/' }))] as const;
  const found = { writable: true, busyOnly: false, color: null, timeZone: null, sealed };
  const consent = { textVersion: '1', givenAt: at };
  const account = mark('account', userId);
  await store.append(
    `connection-${connectionId}`,
    -1n,
    [
      {
        type: 'CalendarConnected',
        userId,
        provider,
        access: 'read',
        consent,
        account,
        sealed: seal(`connection:${connectionId}`, '{}'),
        at,
      },
      { type: 'CalendarsDiscovered', userId, provider, calendars: [{ calendarId, ...found }], at },
    ],
    connectionCodec,
    metadata(),
  );
  await store.append(
    `calendar-${calendarId}`,
    -1n,
    [
      { type: 'CalendarAdopted', connectionId, userId, provider, ...found, at },
      { type: 'GenerationStarted', generation: 1, window, reason: 'first', at },
      { type: 'BaselineCompleted', generation: 1, objects: objects.length, at },
    ],
    calendarCodec,
    metadata(),
  );
  const upserts = objects.map((object) => toUpsert({ calendarId, seal, mark }, object, null));
  const delta = { calendarId, userId, generation: 1, window, upserts, removals: [], kept: [], final: true, at };
  const { position } = await store.append(`feed-${calendarId}`, -1n, [{ type: 'DeltaSynced', ...delta }], feedCodec, metadata());
  return position;
};

/** Appends everybody; answers the last position of the log. */
export const populate = async (runtime: Runtime, population: Population, window: TimeRange): Promise<bigint> => {
  const kinds = Array.from({ length: KINDS }, (_, kind) => objectsOf(population, kind, window));
  let last = 0n;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < population.people) {
      const index = next++;
      const position = await settle(runtime, personOf(index), kinds[index % KINDS] ?? [], window);
      if (position > last) last = position;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return last;
};
