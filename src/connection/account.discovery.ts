import { calendar } from '../calendar/calendar.js';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Metadata } from '../kernel/event-store.js';
import { uuidOf } from '../kernel/mark-uuid.js';
import { type Marker, type Sealer } from '../kernel/vault.js';
import { type DiscoveredCalendar } from '../provider/calendar-provider.js';
import { connection, type FoundCalendar } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type ConnectionRuntime } from './connection.runtime.js';

/** Whose account was looked into, and on whose behalf. */
export type Looked = Readonly<{ connectionId: string; userId: string; provider: string; metadata: () => Metadata }>;

/** The same calendar of the same connection always gets the same id. */
const calendarIdOf = (mark: Marker, connectionId: string, remoteId: string): string => uuidOf(mark(`calendar:${connectionId}`, remoteId));

const sealedCalendar = (sealer: Sealer, mark: Marker, connectionId: string, found: DiscoveredCalendar): FoundCalendar => {
  const { remoteId, address, name, writable, busyOnly, color, timeZone } = found;
  const calendarId = calendarIdOf(mark, connectionId, remoteId);
  return {
    calendarId,
    writable,
    busyOnly,
    color,
    timeZone,
    sealed: sealer.seal(`calendar:${calendarId}`, JSON.stringify({ name, remoteId, address })),
  };
};

/**
 * Records what an account holds and adopts its calendars; calendars found for the first time later on are only listed. Repeating it is
 * harmless. Answers the last log position it wrote, null when nothing was new.
 */
export const recordDiscovery = async (
  runtime: ConnectionRuntime,
  looked: Looked,
  found: readonly DiscoveredCalendar[],
): Promise<bigint | null> => {
  const { store, vault, clock, calendarCodec } = runtime;
  const { connectionId, userId, provider, metadata } = looked;
  const sealer = await vault.connection(userId, connectionId);
  const mark = await vault.marker(userId);
  const { events } = await store.load(`connection-${connectionId}`, connectionCodec);
  const firstFound = events.find((event) => event.type === 'CalendarsDiscovered');
  const calendars = found.map((each) => sealedCalendar(sealer, mark, connectionId, each));
  const at = instant(clock.now());
  const { position } = await handle(store, connection, connectionCodec, {
    id: connectionId,
    command: { type: 'DiscoverCalendars', calendars, at },
    metadata: metadata(),
    ifMatch: null,
  });
  // Those of the first discovery, also when the process died between discovering and adopting.
  const first = new Set((firstFound?.calendars ?? calendars).map(({ calendarId }) => calendarId));
  let last = position;
  for (const { calendarId, ...rest } of calendars.filter((each) => first.has(each.calendarId))) {
    const adopted = await handle(store, calendar, calendarCodec, {
      id: calendarId,
      command: { type: 'AdoptCalendar', connectionId, userId, provider, ...rest, at },
      metadata: metadata(),
      ifMatch: null,
    });
    if (adopted.position !== null) last = adopted.position;
  }
  return last;
};
