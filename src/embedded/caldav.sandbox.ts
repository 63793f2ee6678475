import { randomUUID } from 'node:crypto';
import { type Clock, MINUTE } from '../kernel/clock.js';
import { type SandboxAccount } from './caldav/account.js';
import { calendarStore } from './caldav/calendar.store.js';
import { type SeenRequest, type ServedAccount, type World } from './caldav/dav.exchange.js';
import { faultList, type FaultName } from './caldav/faults.js';
import { FaultOrder } from './caldav/faults.wire.js';
import { fileOf, icsOf, zoneText } from './caldav/ics.js';
import { serve } from './caldav/sandbox.server.js';
import { contextAt, seedOf } from './caldav/seed.js';
import { type Movable } from './cast/cast.js';
import { chanceOf } from './cast/diary.js';
import { type Log } from './engine.js';
import { startedAgain } from './remembered.sandbox.js';
import { type Held, restless } from './restlessness.js';

export type SandboxOptions = Readonly<{
  clock: Clock;
  /** Wanted; any free one when it is 0 or taken. */
  port: number;
  /** IANA name of the zone the made-up people live in. */
  timeZone: string;
  /** Equal seeds make equal calendars on the same day. */
  seed?: number;
  /** Milliseconds between two changes the sandbox makes by itself; null: it leaves everything as it is. */
  restlessness?: number | null;
  /** Instead of the made-up people. */
  accounts?: readonly SandboxAccount[];
  /** Told of every request when it is answered. */
  seen?: (request: SeenRequest) => void;
}>;

/** A CalDAV server of our own, in memory: gone, with every change made to it, when it stops. */
export type Sandbox = Readonly<{
  /** With a slash at the end. */
  url: string;
  /** Spellings of its origin on this machine. */
  origins: readonly string[];
  port: number;
  /** By their user names. */
  accounts: ReadonlyMap<string, ServedAccount>;
  /** What a fault leaves out is what it usually is; throws for what is no fault. */
  switchOn: (fault: Readonly<{ fault: FaultName; [detail: string]: unknown }>) => void;
  switchOff: () => void;
  stop: () => Promise<void>;
}>;

const accountOf = ({ calendars, ...rest }: SandboxAccount): ServedAccount => ({
  ...rest,
  calendars: new Map(calendars.map((calendar) => [calendar.name, calendarStore(calendar)])),
});

const heldIn = ({ accounts }: World, clock: Clock): Held => {
  const storeOf = ({ account, calendar }: Movable) => accounts.get(account)?.calendars.get(calendar);
  return {
    mark: (movable) => storeOf(movable)?.get(fileOf(movable.entry))?.etag ?? null,
    put: (movable, entry) => {
      storeOf(movable)?.put(fileOf(entry), icsOf(entry, contextAt(clock.now())));
    },
  };
};

/** Starts a sandbox on 127.0.0.1. */
export const startSandbox = async (options: SandboxOptions): Promise<Sandbox> => {
  const { clock, timeZone, seed = 1, restlessness = MINUTE } = options;
  const seeded = options.accounts === undefined ? seedOf(clock.now(), timeZone, seed) : { accounts: options.accounts, movables: [] };
  let port = options.port;
  const world: World = {
    accounts: new Map(seeded.accounts.map((account) => [account.username, accountOf(account)])),
    faults: faultList(),
    life: randomUUID(),
    origin: () => `http://localhost:${port}`,
    zoneText: (zone) => zoneText(zone, contextAt(clock.now())),
  };
  const server = await serve(world, options.port, (request) => options.seen?.(request));
  port = server.port;
  const timer = restlessness === null ? null : setInterval(restless(seeded.movables, heldIn(world, clock), chanceOf(seed)), restlessness);
  timer?.unref();
  return {
    url: `${world.origin()}/`,
    origins: ['localhost', '127.0.0.1'].map((host) => `http://${host}:${port}`),
    port,
    accounts: world.accounts,
    switchOn: (fault) => {
      world.faults.add(FaultOrder.parse(fault));
    },
    switchOff: world.faults.clear,
    stop: async () => {
      if (timer !== null) clearInterval(timer);
      await server.close();
    },
  };
};

/**
 * Starts the sandbox where it was last time, as the connections made to it expect: the port is kept in `<dataDir>/sandbox.port`, nothing else
 * of it is.
 */
export const startSandboxAgain = (options: SandboxOptions & Readonly<{ dataDir: string; log: Log }>): Promise<Sandbox> =>
  startedAgain({ dataDir: options.dataDir, log: options.log, port: options.port, name: 'sandbox', title: 'sandbox' }, (port) =>
    startSandbox({ ...options, port }),
  );
