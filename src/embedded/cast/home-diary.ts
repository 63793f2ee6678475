import { DAY_SECONDS } from '../../time/civil.js';
import { at, type Diary, entry, invited, lasting, LINA, MAX, MIA_AT_HOME, MIA_AT_SCHOOL, next, oneOf, wholeDays } from './diary.js';
import { type Entry } from './entry.js';
import { concert } from './work-diary.js';

const PLANS = ['Coffee with Lina', 'Cinema', 'Bike to the workshop', 'Call grandmother', 'Board games', 'Market'] as const;
const TIMES = ['08:00', '12:30', '17:45', '18:30', '20:00'] as const;

const others = ({ today, zone, random }: Diary): readonly Entry[] =>
  Array.from({ length: 24 }, (_, index) =>
    entry(`plan-${index}`, {
      title: oneOf(random, PLANS),
      ...lasting(at(today - 28 + Math.floor(random() * 112), oneOf(random, TIMES), zone), oneOf(random, [45, 60, 90])),
    }),
  );

/** What Mia keeps to herself. */
export const privateCalendar = (diary: Diary): readonly Entry[] => {
  const choir = next(diary, 'WE');
  return [
    entry('dentist', {
      title: 'Dentist',
      location: '1 Example Street',
      ...lasting(at(next(diary, 'TU'), '15:00', diary.zone), 45),
      private: true,
    }),
    entry('choir', {
      title: 'Choir',
      ...lasting(at(choir - 56, '19:30', diary.zone), 90),
      rule: 'FREQ=WEEKLY',
      excluded: [at(choir + 7, '19:30', diary.zone)],
    }),
    entry('concert', concert(diary, MIA_AT_HOME)),
    entry('dinner', {
      title: 'Dinner with Lina and Max',
      ...lasting(at(next(diary, 'FR'), '19:00', diary.zone), 150),
      status: 'tentative',
      ...invited(LINA, MIA_AT_HOME, 'tentative', MAX),
    }),
    // Without a zone: at seven wherever she is.
    entry('recycling', { title: 'Take out the recycling', ...lasting(at(next(diary, 'TH') - 28, '07:00', null), 10), rule: 'FREQ=WEEKLY' }),
    entry('flight', {
      title: 'Flight to Lisbon',
      start: at(next(diary, 'SU') + 7, '10:20', diary.zone),
      end: at(next(diary, 'SU') + 7, '16:40', 'Europe/Lisbon'),
    }),
    ...others(diary),
  ];
};

/** Shared with Max; both write. */
export const familyCalendar = (diary: Diary): readonly Entry[] => [
  entry('swimming', {
    title: 'Swimming lesson',
    ...lasting(at(next(diary, 'SA') - 56, '10:00', diary.zone), 60),
    rule: 'FREQ=WEEKLY',
    ...invited(MAX, MIA_AT_HOME, 'accepted'),
  }),
  entry('parents', {
    title: "Parents' evening",
    ...lasting(at(next(diary, 'MO'), '18:00', diary.zone), 60),
    ...invited(MAX, MIA_AT_HOME, 'needs-action'),
  }),
  entry('holidays', { title: 'Holidays in Lisbon', ...wholeDays(next(diary, 'SU') + 7, 8) }),
];

/** An evening course, and what comes with it. */
export const courseCalendar = (diary: Diary): readonly Entry[] => {
  const teacher = { name: 'Petra Placeholder', email: 'petra@school.example' };
  const course = { title: 'Portuguese for beginners', location: 'Room Dogwood' };
  const first = next(diary, 'MO') - 7 * 6;
  return [
    entry(
      'portuguese',
      {
        ...course,
        ...lasting(at(first, '19:00', diary.zone), 90),
        rule: 'FREQ=WEEKLY;COUNT=20',
        ...invited(teacher, MIA_AT_SCHOOL, 'accepted'),
        excluded: [at(first + 7 * 9, '19:00', diary.zone)],
      },
      {
        ...course,
        title: 'Portuguese (at the café)',
        instance: at(first + 49, '19:00', diary.zone),
        ...lasting(at(first + 49, '18:30', diary.zone), 90),
      },
    ),
    entry('homework', { title: 'Homework is due', ...wholeDays(next(diary, 'SU')), free: true }),
    entry('conversation', {
      title: 'Conversation with Petra',
      ...lasting(at(next(diary, 'TH'), '18:00', diary.zone), 45),
      ...invited(teacher, MIA_AT_SCHOOL, 'tentative'),
    }),
    entry('exam', {
      title: 'Exam',
      location: 'Room Dogwood',
      ...lasting(at(next(diary, 'SA') + 28, '09:00', diary.zone), 120),
      private: true,
    }),
  ];
};

/** All-day, every year, blocking nothing. */
export const birthdays = ({ today }: Diary): readonly Entry[] =>
  [LINA.name, MAX.name, 'Grandmother'].map((name, index) =>
    entry(`birthday-${index}`, {
      title: `${name}: birthday`,
      ...wholeDays(yearsBefore(today + 3 + index * 40, 30 + index)),
      rule: 'FREQ=YEARLY',
      free: true,
      kind: 'birthday',
    }),
  );

/** The same date so many years earlier; 29 February counts as the day before. */
const yearsBefore = (day: number, years: number): number => {
  const date = new Date(day * DAY_SECONDS * 1_000);
  const [month, dayOfMonth] = [date.getUTCMonth(), date.getUTCDate()];
  return Date.UTC(date.getUTCFullYear() - years, month, month === 1 && dayOfMonth === 29 ? 28 : dayOfMonth) / (DAY_SECONDS * 1_000);
};
