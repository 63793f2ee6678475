import { randomBytes, randomUUID } from 'node:crypto';
import { type Clock, MINUTE } from '../kernel/clock.js';
import { castOf, type CastMember, type Movable, movablesOf } from './cast/cast.js';
import { chanceOf } from './cast/diary.js';
import { type Log } from './engine.js';
import { type MicrosoftStart } from './microsoft/account.js';
import { type MicrosoftFault, microsoftFaults } from './microsoft/faults.js';
import { FaultOrder } from './microsoft/faults.wire.js';
import { type Mailboxes, mailboxesOf } from './microsoft/mailboxes.js';
import { serve } from './microsoft/microsoft.server.js';
import { pushDelivery } from './microsoft/push.delivery.js';
import { act } from './microsoft/sandbox.admin.js';
import { type Action } from './microsoft/sandbox.wire.js';
import { calendarIdOf, microsoftEvents, microsoftStart } from './microsoft/seed.js';
import { type Subscription, subscriptionsOf } from './microsoft/subscriptions.js';
import { type SeenRequest, type World } from './microsoft/world.js';
import { grantsOf } from './oauth/grants.js';
import { sealWith } from './oauth/grants.seal.js';
import { pagesOf } from './pages.js';
import { rememberedPassword } from './remembered.file.js';
import { startedAgain } from './remembered.sandbox.js';
import { type Held, restless } from './restlessness.js';

/** The client every simulator knows; there is nothing behind its secret. */
export const MICROSOFT_SANDBOX_CLIENT = { id: '5a4d6f78-0000-4000-8000-5a4d6f780001', secret: 'sandbox-secret' } as const;

export type MicrosoftSandboxOptions = Readonly<{
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
  start?: MicrosoftStart;
  /** Addresses beside those on this machine that people may be sent back to. */
  redirectUris?: readonly string[];
  /** Whether notifications may go to this machine without https; Graph itself takes https only. */
  plainPush?: boolean;
  /** Refresh tokens sealed with it are good at every start. */
  sealKey?: string;
  /** Told of every request when it is answered. */
  seen?: (request: SeenRequest) => void;
}>;

/** What a fault leaves out is what it usually is. */
export type MicrosoftFaultOrder = Readonly<{ fault: MicrosoftFault['fault']; [detail: string]: unknown }>;

/** Entra's OAuth and Graph's calendars of our own, in memory: gone, with every change made to it, when it stops. */
export type MicrosoftSandbox = Readonly<{
  /** With a slash at the end. */
  url: string;
  /** Spellings of its origin on this machine. */
  origins: readonly string[];
  port: number;
  mailboxes: Mailboxes;
  /** Throws for what is no fault. */
  switchOn: (fault: MicrosoftFaultOrder) => void;
  switchOff: () => void;
  act: (action: Action) => void;
  /** Requests it has answered, the oldest first, without what they brought. */
  requests: () => readonly SeenRequest[];
  subscriptions: () => readonly Subscription[];
  stop: () => Promise<void>;
}>;

const MOST_SEEN = 10_000;

type Seeded = Readonly<{ start: MicrosoftStart; cast: readonly CastMember[]; movables: readonly Movable[] }>;

const seeded = ({ clock, timeZone, seed = 1, start }: MicrosoftSandboxOptions): Seeded => {
  if (start !== undefined) return { start, cast: [], movables: [] };
  const cast = castOf(clock.now(), timeZone, seed);
  return { start: microsoftStart(cast, clock.now(), timeZone), cast, movables: movablesOf(cast) };
};

const heldIn = (mailboxes: Mailboxes, cast: readonly CastMember[], timeZone: string): Held => {
  const calendarOf = ({ account, calendar }: Movable): string => {
    const member = cast.find(({ person }) => person.email === account);
    return member === undefined ? '' : calendarIdOf(member, calendar);
  };
  return {
    mark: (movable) => {
      const calendar = mailboxes.calendar(calendarOf(movable));
      return calendar === null ? null : (mailboxes.live(calendar, movable.entry.key)?.revision ?? null);
    },
    put: (movable, entry) => {
      for (const body of microsoftEvents(entry, timeZone, movable.account)) mailboxes.putEvent(calendarOf(movable), body);
    },
  };
};

type Made = Readonly<{ world: World; stopPush: () => Promise<void> }>;

const worldOf = (options: MicrosoftSandboxOptions, start: MicrosoftStart, origin: () => string): Made => {
  const { clock, redirectUris = [], plainPush = true, sealKey = randomUUID() } = options;
  const now = (): number => clock.now();
  const faults = microsoftFaults();
  const push = pushDelivery(faults);
  const subscriptions = subscriptionsOf(now, push.send);
  const newId = (): string => randomBytes(12).toString('hex');
  const mailboxes = mailboxesOf(start, { now, newId, changed: subscriptions.changed });
  const seal = sealWith(sealKey, '0.A');
  const world: World = {
    clock,
    life: randomUUID(),
    origin,
    client: { ...MICROSOFT_SANDBOX_CLIENT, redirectUris },
    mailboxes,
    grants: grantsOf(clock, seal, { code: '0.A', access: 'EwSandbox.' }),
    faults,
    subscriptions,
    plainPush,
    underWay: new Map(),
    pages: pagesOf(seal.random),
    newRequestId: randomUUID,
  };
  return { world, stopPush: push.stop };
};

/** Starts a simulator of Microsoft on 127.0.0.1. */
export const startMicrosoftSandbox = async (options: MicrosoftSandboxOptions): Promise<MicrosoftSandbox> => {
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
  const change = restless(beginning.movables, heldIn(world.mailboxes, beginning.cast, timeZone), chanceOf(seed));
  const timer = restlessness === null ? null : setInterval(change, restlessness);
  timer?.unref();
  return {
    url: `${world.origin()}/`,
    origins: ['localhost', '127.0.0.1'].map((host) => `http://${host}:${port}`),
    port,
    mailboxes: world.mailboxes,
    switchOn: (fault) => {
      world.faults.add(FaultOrder.parse(fault));
    },
    switchOff: world.faults.clear,
    act: (action) => {
      act(world, action);
    },
    requests: () => seen,
    subscriptions: world.subscriptions.live,
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
export const startMicrosoftSandboxAgain = async (
  options: MicrosoftSandboxOptions & Readonly<{ dataDir: string; log: Log }>,
): Promise<MicrosoftSandbox> => {
  const { dataDir, log, port } = options;
  const sealKey = await rememberedPassword(dataDir, 'microsoft-sandbox');
  return startedAgain({ dataDir, log, port, name: 'microsoft-sandbox', title: 'Microsoft sandbox' }, (at) =>
    startMicrosoftSandbox({ ...options, sealKey, port: at }),
  );
};
