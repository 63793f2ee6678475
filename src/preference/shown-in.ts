import { type CalendarEvent } from '../calendar/calendar.js';

type Choice = Extract<CalendarEvent['type'], 'CalendarAdopted' | 'VisibilitySet' | 'WriteToggled' | 'PrivacySet'>;

/** The read models that answer differently after an event. Of a mode or a privacy the merged calendar tells only that the calendar is to be read again. */
const OF_CALENDARS: Readonly<Record<Choice, readonly string[]>> = {
  CalendarAdopted: ['calendars', 'schedule', 'user_calendar_events'],
  VisibilitySet: ['calendars', 'user_calendar_events'],
  WriteToggled: ['calendars'],
  PrivacySet: ['calendars'],
};
const OF_ANY_EVENT = ['calendars', 'schedule', 'user_calendar_events'] as const;

const isChoice = (type: string): type is Choice => Object.hasOwn(OF_CALENDARS, type);

/**
 * The names of the read models that show a change of settings. Every change is told by the person's own stream; the merged calendar follows that
 * for the time zone and for focus time, so it is waited for only when one of them is not what it was (`placesAgain`).
 */
export const shownIn = (events: readonly CalendarEvent['type'][], placesAgain: boolean): readonly string[] => [
  ...new Set([
    'preferences',
    ...events.flatMap((type) => (isChoice(type) ? OF_CALENDARS[type] : OF_ANY_EVENT)),
    ...(placesAgain ? ['user_calendar_events'] : []),
  ]),
];
