import { type Decider } from '../kernel/decider.js';
import { Refused } from '../kernel/refused.js';
import { type TimeRange } from '../kernel/time-range.js';

export type Mode = 'read_only' | 'write';

/** What others may be told of a calendar's events. Its owner always sees everything. */
export type Privacy = 'full' | 'title_hidden' | 'busy_only';

/** Why a calendar is read whole: first time, refused cursor, refresh after 14 days, asked for, or a baseline that did not finish or has expired. */
export type GenerationReason = 'first' | 'cursor-expired' | 'scheduled' | 'requested' | 'resumed' | 'held';

/** `sealed` holds name and remote id. */
type Adopted = Readonly<{
  connectionId: string;
  userId: string;
  provider: string;
  writable: boolean;
  busyOnly: boolean;
  color: string | null;
  timeZone: string | null;
  sealed: string;
  at: string;
}>;

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
  | Readonly<{ type: 'ToggleWrite'; mode: Mode; at: string }>
  | Readonly<{ type: 'SetPrivacy'; privacy: Privacy; at: string }>
  | Readonly<{ type: 'ShowCalendar'; visible: boolean; at: string }>
  | Readonly<{ type: 'SyncDelta'; report: SyncReport; at: string }>
  /** `generation`: the last one begun, as the caller saw it; one begun since is kept. */
  | Readonly<{ type: 'ExpireFeed'; generation: number; at: string }>;

export type CalendarEvent =
  | (Readonly<{ type: 'CalendarAdopted' }> & Adopted)
  | Readonly<{ type: 'WriteToggled'; mode: Mode; at: string }>
  | Readonly<{ type: 'PrivacySet'; privacy: Privacy; at: string }>
  | Readonly<{ type: 'VisibilitySet'; visible: boolean; at: string }>
  | Readonly<{ type: 'GenerationStarted'; generation: number; window: TimeRange; reason: GenerationReason; at: string }>
  | Readonly<{ type: 'BaselineCompleted'; generation: number; objects: number; at: string }>
  | Readonly<{ type: 'SyncFailed'; fault: string; at: string }>
  | Readonly<{ type: 'SyncRecovered'; at: string }>
  | Readonly<{ type: 'MassChangeHeld'; removals: number; known: number; at: string }>
  | Readonly<{ type: 'FeedExpired'; generation: number; at: string }>;

export type Calendar =
  | Readonly<{ status: 'none' }>
  | Readonly<{
      status: 'adopted';
      userId: string;
      connectionId: string;
      writable: boolean;
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
    }>;

export const DEFAULT_PRIVACY: Privacy = 'busy_only';

type Kept = Exclude<Calendar, { status: 'none' }>;

/**
 * Whether the caller's reading of the last generation begun, of the same days, has not ended: reading it again goes on with it. So a reading
 * that fails again and again begins one generation a day, not one a try.
 */
const isLeftOpen = ({ generation, expired, window: last }: Kept, { window, begun }: Extract<SyncReport, { kind: 'generation' }>): boolean =>
  generation === begun && generation !== expired && last?.start === window.start && last.end === window.end;

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

const decide = (state: Calendar, command: CalendarCommand): readonly CalendarEvent[] => {
  if (command.type === 'AdoptCalendar') {
    const { type: _, ...adopted } = command;
    return state.status === 'none' ? [{ type: 'CalendarAdopted', ...adopted }] : [];
  }
  if (state.status === 'none') throw new Refused('calendar.unknown', 404, 'There is no such calendar.');
  switch (command.type) {
    case 'ToggleWrite':
      if (command.mode === 'write' && !state.writable)
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
    case 'ExpireFeed':
      if (command.generation !== state.generation || state.generation === state.expired) return [];
      return [{ type: 'FeedExpired', generation: state.generation, at: command.at }];
  }
};

const evolve = (state: Calendar, event: CalendarEvent): Calendar => {
  if (event.type === 'CalendarAdopted') {
    const { userId, connectionId, writable } = event;
    const asAdopted = { mode: 'read_only', privacy: DEFAULT_PRIVACY, visible: true } as const;
    const unread = { generation: 0, completed: 0, window: null, expired: 0, fault: null, held: false };
    return { status: 'adopted', userId, connectionId, writable, ...asAdopted, ...unread };
  }
  if (state.status === 'none') return state;
  switch (event.type) {
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
