import { changedEvent, type PersonalChange } from '../merged-events/changes/change-row.js';
import { type ToldEvent } from '../merged-events/told-event.js';
import { type Told } from './told.js';

type OfCalendar = Readonly<{ userId: string; calendarId: string }>;
type OfEvent<C extends string> = OfCalendar & Readonly<{ change: C; event: ToldEvent; at: string }>;
type Whole<C extends string> = OfCalendar & Readonly<{ change: C; event: null; at: string }>;

/** The data of each message of `juy.calendar.events.v1`, by the last part of its type before the version, which is `change` too. */
export type EventMessages = Readonly<{
  added: OfEvent<'added'>;
  changed: OfEvent<'changed'>;
  removed: OfEvent<'removed'>;
  'calendar-added': Whole<'calendar-added'>;
  'calendar-changed': Whole<'calendar-changed'>;
  'calendar-removed': Whole<'calendar-removed'>;
  present: OfEvent<'present'>;
  'calendar-complete': Whole<'calendar-complete'> & Readonly<{ count: number }>;
}>;

type Name = keyof EventMessages;

/** The type of such a message. */
export type EventMessageType<N extends Name = Name> = `juy.calendar.events.${N}.v1`;

/** Makes a UUID of a text, always the same of the same. */
export type UuidFor = (text: string) => string;

/** What is told of a calendar or of one of its events. `origin`: parts of the message's id, which must differ where the message does. */
const toldOf = <N extends Name>(
  data: EventMessages[N] & Readonly<{ change: N }>,
  origin: readonly (string | number)[],
  uuidFor: UuidFor,
): Told => ({
  id: uuidFor(JSON.stringify(origin)),
  type: `juy.calendar.events.${data.change}.v1` satisfies EventMessageType,
  key: data.calendarId,
  time: data.at,
  data,
});

/** A calendar that is told whole. `origin`: what had it told, the same when that is told again. `at`: when that was, RFC 3339, UTC. */
export type Telling = Readonly<{ userId: string; calendarId: string; at: string; origin: readonly (string | number)[] }>;

/** That a calendar is told whole from here on; or that all of it is gone. */
export const toldOfCalendarAs = (
  change: 'calendar-added' | 'calendar-changed' | 'calendar-removed',
  { origin, ...calendar }: Telling,
  uuidFor: UuidFor,
): Told => toldOf({ ...calendar, change, event: null }, origin, uuidFor);

/** One of the events of a calendar that is told whole. */
export const toldOfPresent = ({ origin, ...calendar }: Telling, event: ToldEvent, uuidFor: UuidFor): Told =>
  toldOf({ ...calendar, change: 'present', event }, [...origin, event.id], uuidFor);

/** That a calendar has been told whole, with so many events. */
export const toldOfComplete = ({ origin, ...calendar }: Telling, count: number, uuidFor: UuidFor): Told =>
  toldOf({ ...calendar, change: 'calendar-complete', event: null, count }, [...origin, 'complete', count], uuidFor);

/** What a row of the change feed comes to: one message, a calendar to tell whole, or nothing for readers of events. */
export type ToldChange = Readonly<{ told: Told }> | Readonly<{ whole: Telling; change: 'calendar-added' | 'calendar-changed' }> | null;

/** How a connection stands is told by another topic. A row of an event that names none has its calendar told whole, so that nothing is lost with it. */
export const toldOfChange = (row: PersonalChange, uuidFor: UuidFor): ToldChange => {
  const { user_id: userId, calendar_id: calendarId, change, position, part } = row;
  if (calendarId === null || change === 'connection-changed') return null;
  const telling: Telling = { userId, calendarId, at: row.at.toISOString(), origin: [userId, position, part] };
  switch (change) {
    case 'calendar-removed':
      return { told: toldOfCalendarAs(change, telling, uuidFor) };
    case 'calendar-added':
    case 'calendar-changed':
      return { whole: telling, change };
    case 'added':
    case 'changed':
    case 'removed': {
      const event = changedEvent(row);
      if (event === null) return { whole: telling, change: 'calendar-changed' };
      return { told: toldOf({ userId, calendarId, change, event, at: telling.at }, telling.origin, uuidFor) };
    }
  }
};
