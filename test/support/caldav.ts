import { type Secret } from '../../src/kernel/vault.js';
import { caldavProvider } from '../../src/provider/caldav/caldav.provider.js';
import { type Call, type CalendarProvider, type Change, type ScanEnd, type ScanRequest } from '../../src/provider/calendar-provider.js';
import { type GuardedHttp, guardedHttp } from '../../src/provider/http/guarded.http.js';
import { type GuardedHttpOptions } from '../../src/provider/http/guarded.settings.js';
import { fixedGrant, type Grant } from '../../src/provider/grant.js';

/** Everything a scan brought, with how it ended. */
export type Scan = Readonly<{
  changes: readonly Change[];
  pages: readonly (readonly Change[])[];
  expected: readonly (number | null)[];
  end: ScanEnd;
}>;

export const WINDOW = { start: '2026-01-01T00:00:00.000Z', end: '2027-12-31T00:00:00.000Z' };

/** Somebody who may do everything and is never stopped. */
export const allowed = (): Call => ({ signal: new AbortController().signal, permit: () => Promise.resolve() });

/** A transport that calls this machine, hardly waits between tries, and may make any number of requests. */
export const nearHttp = (options: Partial<GuardedHttpOptions> = {}): GuardedHttp =>
  guardedHttp({
    ...{
      clock: { now: () => Date.now() },
      random: () => 0.5,
      spend: () => Promise.resolve(0),
      enter: () => Promise.resolve({ lost: new AbortController().signal, leave: () => Promise.resolve() }),
    },
    ...{ allowPrivate: true, throttleFloor: 1, faultFloor: 1, ...options },
  });

export const nearProvider = (http: GuardedHttp): CalendarProvider => caldavProvider({ http, clock: { now: () => Date.now() } });

/** Reads a calendar, whole unless told otherwise, by somebody who knows nothing. */
export const scanAll = (provider: CalendarProvider, secret: Secret, calendar: string, request: Partial<ScanRequest> = {}): Promise<Scan> =>
  scanAllBy(provider, fixedGrant(secret), calendar, request);

/** The same, by a grant that may be renewed. */
export const scanAllBy = async (
  provider: CalendarProvider,
  grant: Grant,
  calendar: string,
  request: Partial<ScanRequest> = {},
): Promise<Scan> => {
  const pages: (readonly Change[])[] = [];
  const expected: (number | null)[] = [];
  const whole = {
    cursor: null,
    soon: null,
    window: WINDOW,
    known: nothingKnown,
    held: 0,
    list: false,
    call: allowed(),
  };
  const scan = provider.scan(grant, calendar, { ...whole, ...request });
  for (;;) {
    const step = await scan.next();
    if (step.done === true) return { changes: pages.flat(), pages, expected, end: step.value };
    pages.push(step.value.changes);
    expected.push(step.value.expected);
  }
};

/** What a change says, in short: `object Lunch`, `removed /alice/work/a.ics`. */
export const told = (change: Change): string => {
  if (change.kind === 'object') return `object ${change.object.components[0]?.contents.title ?? ''}`;
  return change.kind === 'unreadable' ? `unreadable ${change.remoteId} ${change.code}` : `${change.kind} ${change.remoteId}`;
};

export const allTold = ({ changes }: Scan): readonly string[] => changes.map(told).sort();

/** The etags of what a scan brought, by remote id. */
export const etagsOf = ({ changes }: Scan): ReadonlyMap<string, string | null> =>
  new Map(changes.flatMap((change) => (change.kind === 'object' ? [[change.object.remoteId, change.object.etag]] : [])));

/** A caller who holds what a scan brought. */
export const knownAfter = (scan: Scan): ScanRequest['known'] => {
  const others = scan.changes.flatMap((change) => (change.kind === 'other' ? [[change.remoteId, change.etag] as const] : []));
  const etags = new Map([...etagsOf(scan), ...others]);
  return (remoteIds) => Promise.resolve(new Map(remoteIds.flatMap((id) => (etags.has(id) ? [[id, etags.get(id) ?? null]] : []))));
};

/** A caller who holds everything, with one etag. */
export const knownAs =
  (etag: string | null): ScanRequest['known'] =>
  (remoteIds) =>
    Promise.resolve(new Map(remoteIds.map((id) => [id, etag])));

/** A caller who holds nothing. */
export const nothingKnown: ScanRequest['known'] = () => Promise.resolve(new Map());

/** An event of one hour at nine on a day, `20260310`. */
export const event = (title: string, day = '20260310', uid = title): string =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Example//EN', 'BEGIN:VEVENT', `UID:${uid}@example.org`, 'DTSTAMP:20260101T000000Z'],
    ...[`DTSTART:${day}T090000Z`, `DTEND:${day}T100000Z`, `SUMMARY:${title}`, 'END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');

/** A task: what shares calendars with events. */
export const task = (title: string): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Example//EN',
    'BEGIN:VTODO',
    `UID:${title}@example.org`,
    `SUMMARY:${title}`,
    'END:VTODO',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
