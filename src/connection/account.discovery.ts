import { setTimeout as sleep } from 'node:timers/promises';
import { calendar, type CalendarCommand } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { type Cause, metadataOf } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { uuidOf } from '../kernel/mark-uuid.js';
import { type Marker, type Sealer, type Vault } from '../kernel/vault.js';
import { type DiscoveredCalendar } from '../provider/calendar-provider.js';
import { calendarsOf, connection, firstFoundIn } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type ConnectionRuntime } from './connection.runtime.js';
import { type FoundCalendar } from './found-calendar.js';

/** Calendars of an account beyond these are told with rests, because everybody's read models take each of them in. */
const WITHOUT_REST = 20;

/** What an account is recorded with. */
type Recording = Pick<ConnectionRuntime, 'store' | 'vault' | 'clock' | 'entropy'>;

/** Whose account was looked into, and why. */
export type Looked = Readonly<{ connectionId: string; userId: string; provider: string; cause: Cause }>;

/** How far the log stood after what was recorded, as `Written` has it. */
export type Discovered = Readonly<{ connection: bigint | null; calendar: bigint | null }>;

/** The same calendar of the same connection always gets the same id. */
const calendarIdOf = (mark: Marker, connectionId: string, remoteId: string): string => uuidOf(mark(`calendar:${connectionId}`, remoteId));

/** The ids that calendars of an account have in a connection. */
export const calendarIdsOf = async (
  vault: Pick<Vault, 'marker'>,
  { connectionId, userId }: Pick<Looked, 'connectionId' | 'userId'>,
  found: readonly DiscoveredCalendar[],
): Promise<readonly string[]> => {
  const mark = await vault.marker(userId);
  return found.map(({ remoteId }) => calendarIdOf(mark, connectionId, remoteId));
};

type Seal = (calendarId: string, clear: string, known: string | undefined) => string;

/** Sealing the same again gives other bytes: a name that did not change keeps the bytes it had, so that what is equal stays equal. */
const sealing =
  (sealer: Sealer): Seal =>
  (calendarId, clear, known) => {
    const object = `calendar:${calendarId}`;
    return known !== undefined && sealer.open(object, known) === clear ? known : sealer.seal(object, clear);
  };

/** A calendar of the account, and what of it is sealed. */
type Listed = FoundCalendar & Readonly<{ clear: string }>;

/** Null: one that is listed only. */
const commandFor = async (
  { store, clock }: Recording,
  { connectionId, userId, provider }: Looked,
  { calendarId, clear, ...described }: Listed,
  seal: Seal,
  isFirst: boolean,
): Promise<CalendarCommand | null> => {
  const at = instant(clock.now());
  const state = (await store.stateOf(calendar, calendarCodec, calendarId)).state;
  if (state.status === 'none') return isFirst ? { type: 'AdoptCalendar', connectionId, userId, provider, ...described, at } : null;
  return { type: 'DescribeCalendar', ...described, sealed: seal(calendarId, clear, state.described.sealed), at };
};

/**
 * Records what an account holds, adopts its calendars, and tells those that are adopted what the account says of them now; calendars found for
 * the first time later on are only listed. Repeating it is harmless.
 */
export const recordDiscovery = async (runtime: Recording, looked: Looked, found: readonly DiscoveredCalendar[]): Promise<Discovered> => {
  const { store, vault, clock, entropy } = runtime;
  const { connectionId, userId, cause } = looked;
  const metadata = () => metadataOf(cause, entropy.uuid());
  const seal = sealing(await vault.connection(userId, connectionId));
  const mark = await vault.marker(userId);
  const known = (await store.stateOf(connection, connectionCodec, connectionId)).state;
  const before = new Map(calendarsOf(known).map(({ calendarId, sealed }) => [calendarId, sealed]));
  const listed = found.map(({ remoteId, address, name, ...readable }): Listed => {
    const [calendarId, clear] = [calendarIdOf(mark, connectionId, remoteId), JSON.stringify({ name, remoteId, address })];
    return { calendarId, clear, ...readable, sealed: seal(calendarId, clear, before.get(calendarId)) };
  });
  const { position } = await handle(store, connection, connectionCodec, {
    id: connectionId,
    command: { type: 'DiscoverCalendars', calendars: listed.map(({ clear: _, ...calendar }) => calendar), at: instant(clock.now()) },
    metadata: metadata(),
    ifMatch: null,
  });
  // Those of the first discovery, also when the process died between discovering and adopting.
  const first = new Set(firstFoundIn(known) ?? listed.map(({ calendarId }) => calendarId));
  let toldAt: bigint | null = null;
  for (const [index, each] of listed.entries()) {
    const began = performance.now();
    const command = await commandFor(runtime, looked, each, seal, first.has(each.calendarId));
    if (command === null) continue;
    const told = await handle(store, calendar, calendarCodec, { id: each.calendarId, command, metadata: metadata(), ifMatch: null });
    toldAt = told.position ?? toldAt;
    if (told.position !== null && index >= WITHOUT_REST) await sleep(performance.now() - began);
  }
  return { connection: position, calendar: toldAt };
};
