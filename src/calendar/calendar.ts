import { type Decider } from '../kernel/decider.js';
import { Refused } from '../kernel/refused.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Unwatched } from '../watch/unwatched.js';

export type Mode = 'read_only' | 'write';

/** What others may be told of a calendar's events. Its owner always sees everything. */
export type Privacy = 'full' | 'title_hidden' | 'busy_only';

/** Why a calendar is read whole: first time, refused cursor, refresh after 14 days, asked for, or a baseline that did not finish or has expired. */
export type GenerationReason = 'first' | 'cursor-expired' | 'scheduled' | 'requested' | 'resumed' | 'held';

/**
 * What its account says of a calendar. `sealed` holds name and remote id: sealing the same again gives other bytes, so a name that did not change
 * comes with the bytes it had.
 */
export type Described = Readonly<{
  writable: boolean;
  busyOnly: boolean;
  color: string | null;
  timeZone: string | null;
  sealed: string;
}>;

type Adopted = Described & Readonly<{ connectionId: string; userId: string; provider: string; at: string }>;

/** What one run of SyncDelta reports; nothing is written when nothing changed in how the calendar stands. */
export type SyncReport =
  /** `begun`: the generation that the caller began and has not ended; null when there is none. */
  | Readonly<{ kind: 'generation'; window: TimeRange; reason: GenerationReason; begun: number | null }>
  | Readonly<{ kind: 'completed'; generation: number; objects: number }>
  | Readonly<{ kind: 'failed'; fault: string }>
  | Readonly<{ kind: 'succeeded' }>
  | Readonly<{ kind: 'held'; removals: number; known: number }>;

export type CalendarCommand =
  | (Readonly<{ type: 'AdoptCalendar' }> & Adopted)
  | (Readonly<{ type: 'DescribeCalendar'; at: string }> & Described)
  /** `owner`: who asks. For another person the calendar does not exist. */
  | Readonly<{ type: 'ToggleWrite'; owner: string; mode: Mode; at: string }>
  | Readonly<{ type: 'SetPrivacy'; owner: string; privacy: Privacy; at: string }>
  | Readonly<{ type: 'ShowCalendar'; owner: string; visible: boolean; at: string }>
  | Readonly<{ type: 'SyncDelta'; report: SyncReport; at: string }>
  /** Its service tells of its changes from now on. */
  | Readonly<{ type: 'OpenWatch'; at: string }>
  /** It no longer does, or is not relied on to. */
  | Readonly<{ type: 'CloseWatch'; reason: Unwatched; at: string }>
  /** `generation`: the last one begun, as the caller saw it; one begun since is kept. */
  | Readonly<{ type: 'ExpireFeed'; generation: number; at: string }>;

export type CalendarEvent =
  | (Readonly<{ type: 'CalendarAdopted' }> & Adopted)
  | (Readonly<{ type: 'CalendarDescribed'; at: string }> & Described)
  | Readonly<{ type: 'WriteToggled'; mode: Mode; at: string }>
  | Readonly<{ type: 'PrivacySet'; privacy: Privacy; at: string }>
  | Readonly<{ type: 'VisibilitySet'; visible: boolean; at: string }>
  | Readonly<{ type: 'GenerationStarted'; generation: number; window: TimeRange; reason: GenerationReason; at: string }>
  | Readonly<{ type: 'BaselineCompleted'; generation: number; objects: number; at: string }>
  | Readonly<{ type: 'SyncFailed'; fault: string; at: string }>
  | Readonly<{ type: 'SyncRecovered'; at: string }>
  | Readonly<{ type: 'MassChangeHeld'; removals: number; known: number; at: string }>
  | Readonly<{ type: 'WatchOpened'; at: string }>
  | Readonly<{ type: 'WatchClosed'; reason: Unwatched; at: string }>
  | Readonly<{ type: 'FeedExpired'; generation: number; at: string }>;

export type Calendar =
  | Readonly<{ status: 'none' }>
  | Readonly<{
      status: 'adopted';
      userId: string;
      connectionId: string;
      described: Described;
      mode: Mode;
      privacy: Privacy;
      /** Hidden calendars are synced, and left out of what is shown and of what counts as busy. */
      visible: boolean;
      /** The last generation begun, and the last one read to its end; 0 before the first. */
      generation: number;
      completed: number;
      /** What the last generation begun is read of; null before the first. */
      window: TimeRange | null;
      /** The last generation whose content has outlived its time; 0 before any. */
      expired: number;
      fault: string | null;
      held: boolean;
      /** Its service is relied on to tell of its changes. */
      watched: boolean;
    }>;

export const DEFAULT_PRIVACY: Privacy = 'busy_only';

type Kept = Exclude<Calendar, { status: 'none' }>;

/**
 * Whether the caller's reading of the last generation begun, of the same days, has not ended: reading it again goes on with it. So a reading
 * that fails again and again begins one generation a day, not one a try.
 */
const isLeftOpen = ({ generation, expired, window: last }: Kept, { window, begun }: Extract<SyncReport, { kind: 'generation' }>): boolean =>
  generation === begun && generation !== expired && last?.start === window.start && last.end === window.end;

const sameDescription = (known: Described, found: Described): boolean =>
  known.writable === found.writable &&
  known.busyOnly === found.busyOnly &&
  known.color === found.color &&
  known.timeZone === found.timeZone &&
  known.sealed === found.sealed;

/** A right to write that has gone takes the choice to use it along: what cannot be written must not look as if it were. */
const describe = (
  state: Kept,
  { type: _, at, ...found }: Extract<CalendarCommand, { type: 'DescribeCalendar' }>,
): readonly CalendarEvent[] => {
  const changed = sameDescription(state.described, found) ? [] : [{ type: 'CalendarDescribed', ...found, at } as const];
  const barred = !found.writable && state.mode === 'write' ? [{ type: 'WriteToggled', mode: 'read_only', at } as const] : [];
  return [...changed, ...barred];
};

const report = (state: Kept, found: SyncReport, at: string): readonly CalendarEvent[] => {
  switch (found.kind) {
    case 'generation':
      if (isLeftOpen(state, found)) return [];
      return [{ type: 'GenerationStarted', generation: state.generation + 1, window: found.window, reason: found.reason, at }];
    case 'completed':
      return found.generation <= state.completed
        ? []
        : [{ type: 'BaselineCompleted', generation: found.generation, objects: found.objects, at }];
    case 'failed':
      return state.fault === found.fault ? [] : [{ type: 'SyncFailed', fault: found.fault, at }];
    case 'succeeded':
      return state.fault === null ? [] : [{ type: 'SyncRecovered', at }];
    case 'held':
      return [{ type: 'MassChangeHeld', removals: found.removals, known: found.known, at }];
  }
};

export const calendarUnknown = (): Refused => new Refused('calendar.unknown', 404, 'There is no such calendar.');

const decide = (state: Calendar, command: CalendarCommand): readonly CalendarEvent[] => {
  if (command.type === 'AdoptCalendar') {
    const { type: _, ...adopted } = command;
    return state.status === 'none' ? [{ type: 'CalendarAdopted', ...adopted }] : [];
  }
  if (state.status === 'none' || ('owner' in command && command.owner !== state.userId)) throw calendarUnknown();
  switch (command.type) {
    case 'DescribeCalendar':
      return describe(state, command);
    case 'ToggleWrite':
      if (command.mode === 'write' && !state.described.writable)
        throw new Refused(
          'calendar.read-only',
          409,
          'The account gives no right to write to this calendar: change its sharing there first.',
        );
      return command.mode === state.mode ? [] : [{ type: 'WriteToggled', mode: command.mode, at: command.at }];
    case 'SetPrivacy':
      return command.privacy === state.privacy ? [] : [{ type: 'PrivacySet', privacy: command.privacy, at: command.at }];
    case 'ShowCalendar':
      return command.visible === state.visible ? [] : [{ type: 'VisibilitySet', visible: command.visible, at: command.at }];
    case 'SyncDelta':
      return report(state, command.report, command.at);
    case 'OpenWatch':
      return state.watched ? [] : [{ type: 'WatchOpened', at: command.at }];
    case 'CloseWatch':
      return state.watched ? [{ type: 'WatchClosed', reason: command.reason, at: command.at }] : [];
    case 'ExpireFeed':
      if (command.generation !== state.generation || state.generation === state.expired) return [];
      return [{ type: 'FeedExpired', generation: state.generation, at: command.at }];
  }
};

const describedBy = ({ writable, busyOnly, color, timeZone, sealed }: Described): Described => ({
  writable,
  busyOnly,
  color,
  timeZone,
  sealed,
});

const evolve = (state: Calendar, event: CalendarEvent): Calendar => {
  if (event.type === 'CalendarAdopted') {
    const { userId, connectionId } = event;
    const asAdopted = { mode: 'read_only', privacy: DEFAULT_PRIVACY, visible: true } as const;
    const unread = { generation: 0, completed: 0, window: null, expired: 0, fault: null, held: false, watched: false };
    return { status: 'adopted', userId, connectionId, described: describedBy(event), ...asAdopted, ...unread };
  }
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'CalendarDescribed':
      return { ...state, described: describedBy(event) };
    case 'WriteToggled':
      return { ...state, mode: event.mode };
    case 'PrivacySet':
      return { ...state, privacy: event.privacy };
    case 'VisibilitySet':
      return { ...state, visible: event.visible };
    case 'GenerationStarted':
      return { ...state, generation: event.generation, window: event.window };
    case 'BaselineCompleted':
      return { ...state, completed: event.generation, held: false };
    case 'SyncFailed':
      return { ...state, fault: event.fault };
    case 'SyncRecovered':
      return { ...state, fault: null };
    case 'MassChangeHeld':
      return { ...state, held: true };
    case 'WatchOpened':
      return { ...state, watched: true };
    case 'WatchClosed':
      return { ...state, watched: false };
    case 'FeedExpired':
      return { ...state, expired: event.generation };
  }
};

export const calendar: Decider<Calendar, CalendarCommand, CalendarEvent> = {
  category: 'calendar',
  initial: { status: 'none' },
  decide,
  evolve,
};
