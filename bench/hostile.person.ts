import { setTimeout as sleep } from 'node:timers/promises';
import { type Client } from '../test/support/service.js';
import { hostileCalendars, LIES, MINUTELY, minutelySeries, SERIES, smallCalendars } from './hostile.calendars.js';
import { type HostileAccount, type HostileServer, startHostileServer } from './hostile.server.js';

/** How often each thing was asked, by the status it was answered with. */
export type Tally = ReadonlyMap<string, ReadonlyMap<number, number>>;

export type HostilePerson = Readonly<{ tally: Tally; requests: () => number; stop: () => Promise<void> }>;

const CROWD = 'crowd';
const LYING_CALENDARS = 5;
const SETTINGS_A_MINUTE = 1_200;
/** Requests for settings under way at a time. */
const HANDS = 20;
const BETWEEN_ORDERS = 1_000;
const ZONES = ['Europe/Paris', 'Asia/Kolkata', 'America/New_York', 'Pacific/Auckland', 'America/Caracas'] as const;

const accountsOf = (calendars: number, now: number): ReadonlyMap<string, HostileAccount> =>
  new Map<string, HostileAccount>([
    [CROWD, { calendars: hostileCalendars(calendars, now), lie: null }],
    ...LIES.map((lie) => [lie, { calendars: smallCalendars(LYING_CALENDARS, now), lie }] as const),
  ]);

/** By turns another zone, another preference, another privacy of a calendar. */
const changeOf = (turn: number, calendarIds: readonly string[]): unknown => {
  const round = Math.floor(turn / 3);
  if (turn % 3 === 0) return { timeZone: ZONES[round % ZONES.length] };
  if (turn % 3 === 1) return { tentativeIsBusy: round % 2 === 0 };
  const calendarId = calendarIds[round % calendarIds.length];
  return { calendars: [{ calendarId, privacy: Math.floor(round / calendarIds.length) % 2 === 0 ? 'full' : 'busy_only' }] };
};

/** Repeats something until it is told to stop, and waits so long between the beginnings. */
const repeatedly = async (isOver: () => boolean, milliseconds: number, work: () => Promise<void>): Promise<void> => {
  while (!isOver()) {
    const next = performance.now() + milliseconds;
    await work();
    await sleep(Math.max(0, next - performance.now()));
  }
};

const connectAll = async (client: Client, { url, lie }: HostileServer): Promise<readonly string[]> => {
  const made = await Promise.all([CROWD, ...LIES].map((user) => client.connect({ url, user, password: 'any' })));
  lie();
  return made.flatMap(({ calendars }) => calendars.map(({ calendarId }) => calendarId));
};

/**
 * Connects an account of so many calendars and three that lie, and from then on asks for everything again, changes a series and asks for a sync
 * every second, and changes settings 1,200 times a minute, answered or refused. `stop` ends after the last answer.
 */
export const startHostilePerson = async (client: Client, calendars: number): Promise<HostilePerson> => {
  const now = Date.now();
  const server = await startHostileServer(accountsOf(calendars, now));
  const tally = new Map<string, Map<number, number>>();
  let over = false;
  const isOver = (): boolean => over;
  const ask = async (what: string, ...asked: Parameters<Client['request']>): Promise<void> => {
    const { status } = await client.request(...asked);
    const counts = tally.get(what) ?? new Map<number, number>();
    tally.set(what, counts.set(status, (counts.get(status) ?? 0) + 1));
  };
  const act = async (): Promise<void> => {
    const calendarIds = await connectAll(client, server);
    let [turn, changed] = [0, 0];
    const hand = (): Promise<void> =>
      repeatedly(isOver, (HANDS * 60_000) / SETTINGS_A_MINUTE, () =>
        ask('settings changed', 'PATCH', '/v1/calendar/settings', changeOf(turn++, calendarIds)),
      );
    const whole = repeatedly(isOver, BETWEEN_ORDERS, () => ask('everything asked for again', 'POST', '/v1/calendar/sync', { full: true }));
    const series = repeatedly(isOver, BETWEEN_ORDERS, () => {
      const index = changed++ % SERIES;
      server.change(CROWD, MINUTELY, `${index}.ics`, minutelySeries(index, `Changed ${changed}`, now));
      return ask('a series changed, and a sync asked for', 'POST', '/v1/calendar/sync', {});
    });
    await Promise.all([whole, series, ...Array.from({ length: HANDS }, hand)]);
  };
  const acting = act();
  acting.catch(() => undefined);
  return {
    tally,
    requests: server.requests,
    stop: async () => {
      over = true;
      try {
        await acting;
      } finally {
        await server.stop();
      }
    },
  };
};
