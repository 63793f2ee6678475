import { weekdayOf } from '../../time/civil.js';
import { at, type Diary, entry, invited, IVY, lasting, MIA, next, NOAH, oneOf, THEO, wholeDays } from './diary.js';
import { type CastPerson, type Entry } from './entry.js';

const WEEKS_BACK = 8;

/** The team's daily meeting; the next Wednesday's is later, the next Friday's is left out. */
const standUp = (diary: Diary, self: CastPerson): Entry => {
  const { zone } = diary;
  const people = invited(IVY, self, 'accepted', THEO, self === MIA ? NOAH : MIA);
  const meeting = { title: 'Stand-up', location: 'Room Aspen', ...people };
  const wednesday = next(diary, 'WE');
  return entry(
    'stand-up',
    {
      ...meeting,
      ...lasting(at(next(diary, 'MO') - 7 * WEEKS_BACK, '09:15', zone), 15),
      rule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
      excluded: [at(next(diary, 'FR'), '09:15', zone)],
    },
    { ...meeting, title: 'Stand-up (later)', instance: at(wednesday, '09:15', zone), ...lasting(at(wednesday, '09:45', zone), 15) },
  );
};

const planning = (diary: Diary, self: CastPerson): Entry =>
  entry('sprint-planning', {
    title: 'Sprint planning',
    location: 'Room Birch',
    ...lasting(at(next(diary, 'TU') - 14 * 4, '10:00', diary.zone), 90),
    rule: 'FREQ=WEEKLY;INTERVAL=2',
    ...invited(IVY, self, 'accepted', THEO),
  });

const TITLES = ['Interview', 'Roadmap check', 'Budget talk', 'Pairing', 'Customer call', 'Retro follow-up', 'Release notes'] as const;
const ROOMS = ['Room Aspen', 'Room Birch', 'Room Cedar', 'https://meet.example/juniper'] as const;
const TIMES = ['11:00', '11:30', '13:30', '14:00', '15:30', '16:00', '16:30'] as const;

const workingDay = (day: number): number => day - Math.max(0, weekdayOf(day) - 4);

/** Single meetings of the weeks before and after, so that there is something to page through. */
const others = ({ today, zone, random }: Diary, self: CastPerson): readonly Entry[] =>
  Array.from({ length: 64 }, (_, index) => {
    const day = workingDay(today - 28 + Math.floor(random() * 112));
    const colleague = oneOf(random, [IVY, THEO, self === MIA ? NOAH : MIA]);
    // A meeting of one person is another's too only under the same name.
    return entry(`meeting-${self === MIA ? 'mia' : 'noah'}-${index}`, {
      title: `${oneOf(random, TITLES)} with ${colleague.name.split(' ')[0] ?? ''}`,
      location: oneOf(random, ROOMS),
      ...lasting(at(day, oneOf(random, TIMES), zone), oneOf(random, [30, 45, 60])),
      ...invited(colleague, self, oneOf(random, ['accepted', 'accepted', 'tentative', 'needs-action'])),
    });
  });

/** What Mia's own calendar at work holds. */
export const miasWork = (diary: Diary): readonly Entry[] => [
  standUp(diary, MIA),
  planning(diary, MIA),
  entry('tokyo', {
    title: 'Call with the Tokyo office',
    location: 'https://meet.example/kaede',
    ...lasting(at(next(diary, 'WE') - 7 * WEEKS_BACK, '17:00', 'Asia/Tokyo'), 45),
    rule: 'FREQ=WEEKLY',
    ...invited(THEO, MIA, 'accepted'),
  }),
  entry('new-york', {
    title: 'Sales review',
    ...lasting(at(next(diary, 'TH'), '10:00', 'America/New_York'), 60),
    ...invited(NOAH, MIA, 'tentative', IVY),
  }),
  entry('one-to-one', {
    title: 'One-to-one with Noah',
    ...lasting(at(next(diary, 'MO') - 28, '14:00', diary.zone), 30),
    rule: 'FREQ=WEEKLY',
    ...invited(MIA, MIA, 'accepted', NOAH),
  }),
  entry('vendor', { title: 'Vendor demo', ...lasting(at(next(diary, 'TU'), '14:00', diary.zone), 60), ...invited(THEO, MIA, 'declined') }),
  entry('offsite', { title: 'Offsite, if the house is free', ...wholeDays(next(diary, 'TH') + 7, 2), status: 'tentative' }),
  entry('focus', { title: 'Focus time', ...lasting(at(next(diary, 'FR'), '13:00', diary.zone), 120), free: true, kind: 'focus-time' }),
  entry('concert', concert(diary, MIA)),
  ...others(diary, MIA),
];

/** An invitation that both of Mia's accounts got: one meeting in two calendars. */
export function concert(diary: Diary, self: CastPerson) {
  return {
    title: 'Choir concert',
    location: 'Example Hall',
    ...lasting(at(next(diary, 'SA'), '19:30', diary.zone), 120),
    ...invited({ name: 'Choir of Nowhere', email: 'choir@home.example' }, self, 'accepted' as const),
  };
}

/** A calendar the whole team reads and Ivy keeps. */
export const teamCalendar = (diary: Diary): readonly Entry[] => [
  planning(diary, MIA),
  entry('on-call', { title: 'On call: Theo', ...wholeDays(next(diary, 'MO'), 3), free: true }),
  entry('release', {
    title: 'Release train',
    ...lasting(at(next(diary, 'TH') - 7 * WEEKS_BACK, '16:00', diary.zone), 60),
    rule: 'FREQ=WEEKLY;INTERVAL=2',
  }),
  entry('company-day', { title: 'Company day', location: 'Everywhere', ...wholeDays(next(diary, 'MO') + 14) }),
];

/** Mia's colleague, some hours to the west. */
export const noahsWork = (diary: Diary): readonly Entry[] => [
  standUp(diary, NOAH),
  entry('lunch', {
    title: 'Lunch',
    ...lasting(at(next(diary, 'MO') - 7 * WEEKS_BACK, '12:00', 'America/New_York'), 60),
    rule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
  }),
  ...others(diary, NOAH),
];
