import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { feedCodec, feedFamily } from '../sync/feed.codec.js';
import { type DeltaSynced } from '../sync/feed.js';
import { type Pace } from '../sync/feed.pace.js';
import { FeedWriter } from '../sync/feed.writer.js';
import { soonAt, windowAt } from '../sync/generation.js';
import { absorb } from '../sync/sync.absorb.js';
import { type Known } from '../sync/sync.known.js';
import { marker, sealer } from '../infra/vault/sealing.aes.js';
import { metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, DAY, instant } from '../kernel/clock.js';
import { type Codec, type EventStore } from '../kernel/event-store.js';
import { type Sql } from '../kernel/sql.js';
import { userCalendarEvents } from '../merged-events/user-calendar-events.projection.js';
import { caldavProvider } from '../provider/caldav/caldav.provider.js';
import { type CalendarProvider } from '../provider/calendar-provider.js';
import { REGISTRY } from '../provider/registry.js';
import { fixedGrant } from '../provider/grant.js';
import { inSpareTime, type WarmUp } from './spare-time.js';
import { madeUpServer } from './warm-up.calendar.js';

const CALENDAR = '00000000-0000-8000-8000-000000000000';
const WARMING = systemCause('sync', null, CALENDAR);
const ADDRESS = 'http://localhost/warm-up/';
/** An event as it is stored. */
type Stored = ReturnType<Codec<DeltaSynced>['encode']>;

/** Keeps what is appended in memory, until the warm-up ends. */
const memoryStore = (stored: Stored[]): Pick<EventStore, 'append'> => ({
  append: (_stream, expected, events, codec) => {
    for (const event of events) {
      const { type, data } = codec.encode(event);
      stored.push({ type, data: JSON.parse(JSON.stringify(data)) as Stored['data'] });
    }
    const revision = (expected ?? -1n) + BigInt(events.length);
    return Promise.resolve({ revision, position: revision });
  },
});

/** A database in which every claim holds and nothing is stored, but that the calendar is there. */
const emptyDatabase = (): Sql => {
  const calendar = {
    calendar_id: CALENDAR,
    user_id: 'warm-up',
    provider: 'caldav',
    whole: false,
    visible: true,
    window_start: null,
    window_end: null,
    zone: 'UTC',
  };
  return {
    query: <Row>(text: string) =>
      Promise.resolve((text.includes('from event_calendars') ? [calendar] : text.includes('from held') ? [{}] : []) as Row[]),
  };
};

/** Nothing that was appended is waited for. */
const unhurried: Pace = { enter: () => Promise.resolve(() => undefined) };

const nothingKnown: Known = {
  held: 0,
  hashes: () => Promise.resolve(new Map()),
  etags: () => Promise.resolve(new Map()),
  refs: async function* () {
    await Promise.resolve();
    yield [];
  },
};

/** Reads the made-up calendar whole, as a first sync does; answers what it would have appended. */
const readWhole = async (provider: CalendarProvider, { clock, signal }: WarmUp): Promise<readonly Stored[]> => {
  const key = randomBytes(32);
  const sealing = sealer(key, 'warm-up');
  const ink = { calendarId: CALENDAR, seal: sealing.seal, mark: marker(key) };
  const stored: Stored[] = [];
  const window = windowAt(clock.now(), REGISTRY.caldav.generationLife);
  const permit = (): Promise<void> => Promise.resolve();
  const target = {
    calendarId: CALENDAR,
    userId: 'warm-up',
    generation: 1,
    window,
    cause: WARMING,
    epoch: 0n,
    permit,
    signal,
  };
  const writer = new FeedWriter(
    { store: memoryStore(stored) as EventStore, sql: emptyDatabase(), clock, newId: randomUUID, pace: unhurried },
    target,
    -1n,
  );
  const secret = { username: 'warm-up', password: '', serverUrl: ADDRESS };
  const request = {
    cursor: null,
    soon: soonAt(clock.now()),
    window,
    known: nothingKnown.etags,
    held: 0,
    list: true,
    call: { signal, permit },
  };
  const scan = provider.scan(fixedGrant(secret), ADDRESS, request);
  await absorb({ ink, sealer: sealing, progress: permit }, { scan, writer, known: nothingKnown, whole: true, most: Infinity });
  await writer.flush(true);
  await writer.settled();
  return stored;
};

const project = async (stored: readonly Stored[], clock: Clock): Promise<void> => {
  const projection = userCalendarEvents([feedFamily]);
  const metadata = metadataOf(WARMING, CALENDAR);
  for (const [index, { type, data }] of stored.entries()) {
    const event = feedCodec.decode(type, data);
    const place = {
      stream: `feed-${CALENDAR}`,
      revision: BigInt(index),
      position: BigInt(index),
      id: CALENDAR,
      recordedAt: instant(clock.now()),
    };
    await projection.apply(emptyDatabase(), [{ ...place, metadata, event }]);
    await breathe();
  }
};

const madeUpProvider = (clock: Clock): CalendarProvider => {
  const days = Array.from({ length: 40 }, (_, index) =>
    instant(clock.now() + (index * 9 - 28) * DAY)
      .slice(0, 10)
      .replaceAll('-', ''),
  );
  return caldavProvider({ http: madeUpServer(days), clock });
};

/**
 * Reads a made-up calendar again and again through the code of a first sync, in memory, until the engine has compiled it: otherwise the first
 * person to connect after a start waits for that. In small bites, with nothing kept, and only while the machine has time for it.
 */
export const warmUpSync = async (warmUp: WarmUp): Promise<void> => {
  const provider = madeUpProvider(warmUp.clock);
  await inSpareTime(warmUp, () => readWhole(provider, warmUp));
};

/** One round of the same for the projection: of what a reading would have appended. */
export const projecting = async (warmUp: WarmUp): Promise<() => Promise<void>> => {
  const stored = await readWhole(madeUpProvider(warmUp.clock), warmUp);
  return () => project(stored, warmUp.clock);
};
