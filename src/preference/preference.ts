import { isIanaZone } from '../time/time-zone.js';
import { type Decider } from '../kernel/decider.js';
import { Refused } from '../kernel/refused.js';

/** What happens to a meeting that somebody moved or cancelled in an outside calendar. */
export type ExternalChanges = 'accept' | 'ask' | 'restore';

/** How a person wants their calendars read. */
export type CalendarPreference = Readonly<{
  /** IANA; where days and floating times of calendars without a zone of their own are. Null: UTC. */
  timeZone: string | null;
  /** Whether tentative and unanswered invitations take up time. */
  tentativeIsBusy: boolean;
  /** Whether focus time takes up time, where its calendar does not mark it as free. */
  focusTimeIsBusy: boolean;
  externalChanges: ExternalChanges;
  /** Opens to the working hours, under the person's key; null when they said none. */
  sealed: string | null;
}>;

export const DEFAULT_PREFERENCE: CalendarPreference = {
  timeZone: null,
  tentativeIsBusy: true,
  focusTimeIsBusy: true,
  externalChanges: 'accept',
  sealed: null,
};

/** Names the object that is sealed. */
export const preferenceObject = (userId: string): string => `preference:${userId}`;

/**
 * What is not named stays as it is. Sealing the same hours again gives other bytes: who sends hours that did not change sends the old bytes.
 * `restate`: tell it also when nothing of it changes.
 */
export type PreferenceCommand = Readonly<{
  type: 'SetCalendarPreference';
  userId: string;
  change: Partial<CalendarPreference>;
  restate: boolean;
  at: string;
}>;

export type PreferenceEvent = Readonly<{ type: 'CalendarPreferenceSet'; userId: string; at: string }> & CalendarPreference;

const decide = (state: CalendarPreference, { userId, change, restate, at }: PreferenceCommand): readonly PreferenceEvent[] => {
  const wanted: CalendarPreference = { ...state, ...change };
  const { timeZone } = wanted;
  if (timeZone !== null && !isIanaZone(timeZone))
    throw new Refused('preference.unknown-zone', 422, 'There is no such time zone: send an IANA name such as Europe/Paris.');
  const same =
    timeZone === state.timeZone &&
    wanted.tentativeIsBusy === state.tentativeIsBusy &&
    wanted.focusTimeIsBusy === state.focusTimeIsBusy &&
    wanted.externalChanges === state.externalChanges &&
    wanted.sealed === state.sealed;
  return same && !restate ? [] : [{ type: 'CalendarPreferenceSet', userId, ...wanted, at }];
};

const evolve = (_: CalendarPreference, event: PreferenceEvent): CalendarPreference => {
  const { timeZone, tentativeIsBusy, focusTimeIsBusy, externalChanges, sealed } = event;
  return { timeZone, tentativeIsBusy, focusTimeIsBusy, externalChanges, sealed };
};

export const preference: Decider<CalendarPreference, PreferenceCommand, PreferenceEvent> = {
  category: 'preference',
  initial: DEFAULT_PREFERENCE,
  decide,
  evolve,
};
