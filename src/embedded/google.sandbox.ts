import { randomBytes, randomUUID } from 'node:crypto';
import { type Clock, MINUTE } from '../kernel/clock.js';
import { castOf, type CastMember, type Movable, movablesOf } from './cast/cast.js';
import { chanceOf } from './cast/diary.js';
import { type Log } from './engine.js';
import { type GoogleStart } from './google/account.js';
import { type Calendars, calendarsOf } from './google/calendars.js';
import { type Channel, channelsOf } from './google/channels.js';
import { type GoogleFault, googleFaults } from './google/faults.js';
import { FaultOrder } from './google/faults.wire.js';
import { serve } from './google/google.server.js';
import { grantsOf } from './oauth/grants.js';
import { sealWith } from './oauth/grants.seal.js';
import { pagesOf } from './pages.js';
import { pushDelivery } from './google/push.delivery.js';
import { act } from './google/sandbox.admin.js';
import { type Action } from './google/sandbox.wire.js';
import { calendarIdOf, googleEvents, googleStart } from './google/seed.js';
import { type SeenRequest, type World } from './google/world.js';
import { rememberedPassword } from './remembered.file.js';
import { startedAgain } from './remembered.sandbox.js';
import { type Held, restless } from './restlessness.js';

/** The client every simulator knows; there is nothing behind its secret. */
export const GOOGLE_SANDBOX_CLIENT = { id: 'sandbox', secret: 'sandbox-secret' } as const;

export type GoogleSandboxOptions = Readonly<{
  clock: Clock;
  /** Wanted; any free one when it is 0 or taken. */
  port: number;
  /** IANA name of the zone the made-up people live in. */
  timeZone: string;
  /** Equal seeds make equal calendars on the same day. */
  seed?: number;
  /** Milliseconds between two changes the simulator makes by itself; null: it leaves everything as it is. */
  restlessness?: number | null;
  /** Instead of the made-up people. */
  start?: GoogleStart;
  /** Addresses beside those on this machine that people may be sent back to. */
  redirectUris?: readonly string[];
  /** Whether channels may lead to this machine without https; Google itself takes https only. */
  plainPush?: boolean;
  /** Refresh tokens sealed with it are good at every start. */
  sealKey?: string;
  /** Told of every request when it is answered. */
  seen?: (request: SeenRequest) => void;
}>;

/** What a fault leaves out is what it usually is. */
export type GoogleFaultOrder = Readonly<{ fault: GoogleFault['fault']; [detail: string]: unknown }>;

/** Google's OAuth and Calendar API of our own, in memory: gone, with every change made to it, when it stops. */
export type GoogleSandbox = Readonly<{
  /** With a slash at the end. */
  url: string;
  /** Spellings of its origin on this machine. */
  origins: readonly string[];
  port: number;
  calendars: Calendars;
  /** Throws for what is no fault. */
  switchOn: (fault: GoogleFaultOrder) => void;
  switchOff: () => void;
  act: (action: Action) => void;
  /** Requests it has answered, the oldest first, without what they brought. */
  requests: () => readonly SeenRequest[];
  channels: () => readonly Channel[];
  stop: () => Promise<void>;
}>;

const MOST_SEEN = 10_000;

/** An id in Google's alphabet, base32hex. */
const newId = (): string =>
  BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString(32)
    .padStart(26, '0');

type Seeded = Readonly<{ start: GoogleStart; cast: readonly CastMember[]; movables: readonly Movable[] }>;

const seeded = ({ clock, timeZone, seed = 1, start }: GoogleSandboxOptions): Seeded => {
  if (start !== undefined) return { start, cast: [], movables: [] };
  const cast = castOf(clock.now(), timeZone, seed);
  return { start: googleStart(cast, clock.now(), timeZone), cast, movables: movablesOf(cast) };
};

const heldIn = (calendars: Calendars, cast: readonly CastMember[], timeZone: string): Held => {
  const calendarOf = ({ account, calendar }: Movable): string => {
    const member = cast.find(({ person }) => person.email === account);
    return member === undefined ? '' : calendarIdOf(member, calendar);
  };
  return {
    mark: (movable) => {
      const [body] = googleEvents(movable.entry, timeZone);
      const now = calendars.calendar(calendarOf(movable))?.events.get(String(body?.['id'])) ?? null;
      return now === null || now.value.status === 'cancelled' ? null : now.revision;
    },
    put: (movable, entry) => {
      for (const body of googleEvents(entry, timeZone)) calendars.putEvent(calendarOf(movable), body);
    },
  };
};

type Made = Readonly<{ world: World; stopPush: () => Promise<void> }>;

const worldOf = (options: GoogleSandboxOptions, start: GoogleStart, origin: () => string): Made => {
  const { clock, redirectUris = [], plainPush = true, sealKey = randomUUID() } = options;
  const now = (): number => clock.now();
  const faults = googleFaults();
  const push = pushDelivery(faults);
  // Numbers of messages grow, and not by one.
  const channels = channelsOf(now, () => 1 + (randomBytes(1)[0] ?? 0), push.send);
  const calendars = calendarsOf(start, { now, newId, changed: channels.changed });
  const client = { ...GOOGLE_SANDBOX_CLIENT, redirectUris };
  const seal = sealWith(sealKey, '1//');
  const [grants, pages] = [grantsOf(clock, seal, { code: '4/0', access: 'sandbox-access.' }), pagesOf(seal.random)];
  return {
    world: { clock, life: randomUUID(), origin, client, calendars, grants, faults, channels, pages, plainPush },
    stopPush: push.stop,
  };
};

/** Starts a simulator of Google on 127.0.0.1. */
export const startGoogleSandbox = async (options: GoogleSandboxOptions): Promise<GoogleSandbox> => {
  const { restlessness = MINUTE, seed = 1, timeZone } = options;
  const beginning = seeded(options);
  const seen: SeenRequest[] = [];
  let port = options.port;
  const { world, stopPush } = worldOf(options, beginning.start, () => `http://localhost:${port}`);
  const server = await serve(world, options.port, (request) => {
    if (seen.push(request) > MOST_SEEN) seen.shift();
    options.seen?.(request);
  });
  port = server.port;
  const change = restless(beginning.movables, heldIn(world.calendars, beginning.cast, timeZone), chanceOf(seed));
  const timer = restlessness === null ? null : setInterval(change, restlessness);
  timer?.unref();
  return {
    url: `${world.origin()}/`,
    origins: ['localhost', '127.0.0.1'].map((host) => `http://${host}:${port}`),
    port,
    calendars: world.calendars,
    switchOn: (fault) => {
      world.faults.add(FaultOrder.parse(fault));
    },
    switchOff: world.faults.clear,
    act: (action) => {
      act(world, action);
    },
    requests: () => seen,
    channels: world.channels.live,
    stop: async () => {
      if (timer !== null) clearInterval(timer);
      await stopPush();
      await server.close();
    },
  };
};

/**
 * Starts the simulator where it was last time, as the accounts connected to it expect: the port and the key of its refresh tokens are kept in
 * `<dataDir>`, nothing else of it is.
 */
export const startGoogleSandboxAgain = async (
  options: GoogleSandboxOptions & Readonly<{ dataDir: string; log: Log }>,
): Promise<GoogleSandbox> => {
  const { dataDir, log, port } = options;
  const sealKey = await rememberedPassword(dataDir, 'google-sandbox');
  return startedAgain({ dataDir, log, port, name: 'google-sandbox', title: 'Google sandbox' }, (at) =>
    startGoogleSandbox({ ...options, sealKey, port: at }),
  );
};
