import { type CalendarObject, type Component, type Contents, type Timing } from '../../src/calendar/calendar-object.js';
import {
  type Call,
  type CalendarProvider,
  type Change,
  ProviderFault,
  type ScanEnd,
  type ScanPage,
} from '../../src/provider/calendar-provider.js';

/** 22 November 2026, ten o'clock in London: when most tests take place. */
export const NOW = Date.parse('2026-11-22T10:00:00.000Z');

export const CONTENTS: Contents = {
  title: 'Lunch',
  location: null,
  description: null,
  organizer: null,
  attendees: [],
  url: null,
  uid: null,
};

/** A confirmed hour at ten in London that blocks the time. */
export const TIMING: Timing = {
  recurrenceId: null,
  thisAndFuture: false,
  start: { wall: '2026-11-23T10:00:00', zone: 'UTC' },
  span: { days: 0, seconds: 3_600 },
  rules: [],
  rdates: [],
  exdates: [],
  status: 'confirmed',
  busy: 'busy',
  private: false,
};

export const component = (timing: Partial<Timing> = {}, contents: Partial<Contents> = {}): Component => ({
  ...TIMING,
  ...timing,
  contents: { ...CONTENTS, ...contents },
});

/** An object of one component unless told otherwise. */
export const calendarObject = (remoteId: string, overrides: Partial<CalendarObject> = {}): CalendarObject => ({
  remoteId,
  etag: null,
  seriesRemoteId: remoteId,
  components: [component({}, { uid: remoteId, title: remoteId })],
  zones: {},
  eventType: 'default',
  problems: [],
  ...overrides,
});

/** A calendar service in memory, at the provider port: it holds objects, tells what changed, and fails when it is told to. */
export type MemoryAccount = Readonly<{
  provider: CalendarProvider;
  put: (...objects: readonly CalendarObject[]) => void;
  remove: (...remoteIds: readonly string[]) => void;
  /** It lists the object, and answers nonsense when it is asked for it, until it is put again. */
  spoil: (remoteId: string) => void;
  /** Every cursor given so far is refused from now on. */
  forgetCursors: () => void;
  /** From now on the password is refused, or accepted again. */
  refuse: (refused?: boolean) => void;
  /** The next scan ends so, after so many pages. */
  failNext: (fault: ProviderFault, afterPages?: number) => void;
  /** Awaited before the next page is given, once. */
  beforeNextPage: (work: () => Promise<void>) => void;
  scans: () => readonly (string | null)[];
}>;

type Held = Readonly<{ version: number; object: CalendarObject | 'removed' | 'spoilt' }>;

const changeOf = ([remoteId, { version, object }]: readonly [string, Held]): Change => {
  if (object === 'removed') return { kind: 'removed', remoteId };
  if (object === 'spoilt') return { kind: 'unreadable', remoteId, etag: null, code: 'object.bad-time' };
  return { kind: 'object', object: { ...object, etag: String(version) } };
};

/** `pageSize`: objects to a page. */
export const memoryAccount = (pageSize = 10): MemoryAccount => {
  const held = new Map<string, Held>();
  const scans: (string | null)[] = [];
  let [version, refusedBefore] = [0, 0];
  let failure: Readonly<{ fault: ProviderFault; pages: number }> | null = null;
  let interruption: (() => Promise<void>) | null = null;
  let refused = false;
  const enter = (): void => {
    if (refused) throw new ProviderFault('access-revoked', 'the password is not accepted');
  };

  const hold = (remoteId: string, object: Held['object']): void => {
    version += 1;
    held.set(remoteId, { version, object });
  };

  const since = (cursor: string | null): readonly Change[] =>
    [...held]
      .filter(([, { version: changed, object }]) => (cursor === null ? object !== 'removed' : changed > Number(cursor)))
      .map(changeOf);

  async function* scan(cursor: string | null, { permit }: Call): AsyncGenerator<ScanPage, ScanEnd> {
    scans.push(cursor);
    enter();
    const failing = failure;
    failure = null;
    await permit();
    if (cursor !== null && Number(cursor) < refusedBefore) throw new ProviderFault('cursor-expired', 'this cursor is forgotten');
    const [changes, end] = [since(cursor), String(version)];
    for (let page = 0; page * pageSize < changes.length || page === 0; page += 1) {
      if (failing?.pages === page) throw failing.fault;
      const waiting = interruption;
      interruption = null;
      await waiting?.();
      await permit();
      yield { changes: changes.slice(page * pageSize, (page + 1) * pageSize), expected: changes.length };
    }
    if (failing !== null) throw failing.fault;
    return { cursor: end, whole: cursor === null, again: false, expected: changes.length };
  }

  return {
    provider: {
      mapping: 1,
      oauth: null,
      identity: null,
      push: null,
      discover: async () => {
        await Promise.resolve();
        enter();
        return { accountId: 'ada', accountName: 'ada', calendars: [] };
      },
      scan: (_, __, { cursor, call }) => scan(cursor, call),
      revoke: () => Promise.resolve('manual'),
    },
    put: (...objects) => {
      for (const object of objects) hold(object.remoteId, object);
    },
    remove: (...remoteIds) => {
      for (const remoteId of remoteIds) hold(remoteId, 'removed');
    },
    spoil: (remoteId) => {
      hold(remoteId, 'spoilt');
    },
    forgetCursors: () => {
      version += 1;
      refusedBefore = version;
    },
    refuse: (isRefused = true) => {
      refused = isRefused;
    },
    failNext: (fault, pages = 0) => {
      failure = { fault, pages };
    },
    beforeNextPage: (work) => {
      interruption = work;
    },
    scans: () => scans,
  };
};
