import { type Cause } from '../kernel/cause.js';
import { type Position } from '../kernel/event-store.js';
import { ScopeMissing } from '../connection/widening.js';
import { Refused } from '../kernel/refused.js';
import {
  type CalendarCommand,
  type CalendarEvent,
  calendarUnknown,
  DEFAULT_PRIVACY,
  type Mode,
  type Privacy,
  type Described,
} from './calendar.js';

/** What the owner of a calendar has chosen for it. */
export type Chosen = Readonly<{ calendarId: string; adopted: boolean; mode: Mode; privacy: Privacy; visible: boolean }>;

/** What the owner of a calendar wants to change; what is not named stays as it is. */
export type Choice = Readonly<{
  calendarId: string;
  mode?: Mode | undefined;
  privacy?: Privacy | undefined;
  visible?: boolean | undefined;
}>;

/** A calendar as the read model lists it, with all that adopting it needs. `scoped`: whether its owner has granted writing, where accounts know scopes. */
export type ListedCalendar = Chosen & Described & Readonly<{ connectionId: string; provider: string; scoped: boolean }>;

/** Who chooses, and when: RFC 3339, UTC. */
export type Choosing = Readonly<{ owner: string; at: string }>;

/** A calendar that is only listed is adopted by showing it, and nothing else can be chosen for it before. */
const adoption = (listed: ListedCalendar, { mode, privacy, visible }: Choice, { owner, at }: Choosing): readonly CalendarCommand[] => {
  if (listed.adopted) return [];
  if (visible === true) {
    const { connectionId, provider, writable, busyOnly, color, timeZone, sealed } = listed;
    return [{ type: 'AdoptCalendar', connectionId, userId: owner, provider, writable, busyOnly, color, timeZone, sealed, at }];
  }
  if ((mode ?? 'read_only') !== 'read_only' || (privacy ?? DEFAULT_PRIVACY) !== DEFAULT_PRIVACY)
    throw new Refused('calendar.not-shown', 409, 'This calendar is not synced yet: show it first, with "visible": true.');
  return [];
};

/** The commands for one calendar that a choice is made of, to take effect together. `listed`: null when the person has no such calendar. */
export const choose = (listed: ListedCalendar | null, choice: Choice, choosing: Choosing): readonly CalendarCommand[] => {
  if (listed === null) throw calendarUnknown();
  const commands: CalendarCommand[] = [...adoption(listed, choice, choosing)];
  if (!listed.adopted && commands.length === 0) return [];
  const { mode, privacy, visible } = choice;
  if (mode === 'write' && listed.writable && !listed.scoped) throw new ScopeMissing(listed.connectionId);
  if (visible !== undefined) commands.push({ type: 'ShowCalendar', visible, ...choosing });
  if (mode !== undefined) commands.push({ type: 'ToggleWrite', mode, ...choosing });
  if (privacy !== undefined) commands.push({ type: 'SetPrivacy', privacy, ...choosing });
  return commands;
};

/** Choices that were decided and are not written yet. */
export type DecidedChoices = Readonly<{
  /** The events to be written; none when everything is as chosen already. */
  events: readonly CalendarEvent['type'][];
  /** Writes them, one append for each calendar. Answers how far the log stood after the last one; null when there was none. */
  write: () => Promise<Position | null>;
}>;

/** What people choose for their calendars: whether Juy may write, what others may see, whether it is shown. */
export type CalendarChoices = Readonly<{
  /** What the streams of somebody's calendars say, because the read model may be a moment behind. */
  chosenBy: (userId: string) => Promise<readonly Chosen[]>;
  /** Decides all choices and writes none; throws `Refused` when one of them may not be. */
  decide: (choices: readonly Choice[], choosing: Choosing, cause: Cause) => Promise<DecidedChoices>;
}>;

/** DI token of the `CalendarChoices`. */
export const CALENDAR_CHOICES = Symbol('CalendarChoices');
