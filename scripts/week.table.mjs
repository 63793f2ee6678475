// A person's week as a table for the terminal. What clocks show comes from the service's own zone rules, never from the runtime's.
import { zoneOrUtc } from '../dist/time/time-zone.js';
import { machineZone } from '../dist/infra/system.clock.js';

const DAYS = 7;
/** In seconds, as walls are: what a clock shows, counted as if it were in UTC. */
const DAY = 86_400;

const instantAt = (zone, wall) => new Date(zone.instantOf(wall) * 1_000);
const wallAt = (zone, instant) => zone.wallOf(Math.floor(new Date(instant).getTime() / 1_000));

/** The seven days from today on where the terminal is: `days` are their first walls, `start` and `end` the midnights around them. */
export const comingWeek = (now = new Date(), name = machineZone()) => {
  const zone = zoneOrUtc(name, {});
  const today = Math.floor(wallAt(zone, now) / DAY) * DAY;
  const days = Array.from({ length: DAYS }, (_, index) => today + index * DAY);
  return { zone, name, days, start: instantAt(zone, today), end: instantAt(zone, today + DAYS * DAY) };
};

const shown = (options) => {
  const format = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
  return (wall) => format.format(new Date(wall * 1_000)).replace(',', '');
};
const dayName = shown({ weekday: 'short', day: '2-digit', month: 'short' });
const clock = shown({ hour: '2-digit', minute: '2-digit' });

/** What is on a day: all-day events on each of theirs, others on the day they begin, or the first day shown. */
const onDay = (items, { zone, days: [first] }, day) => {
  const date = new Date(day * 1_000).toISOString().slice(0, 10);
  return items.filter(({ allDay, start, end }) => {
    if (allDay) return start <= date && date < end;
    const begins = wallAt(zone, start);
    return (begins >= day || day === first) && begins < day + DAY;
  });
};

const paint = (colors, code, text) => (colors ? `\u001b[${code}m${text}\u001b[0m` : text);

const dot = (colors, color) => {
  if (!colors || color === null) return '·';
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return paint(true, `38;2;${red};${green};${blue}`, '●');
};

const answered = ({ attendees }) => attendees.find(({ self }) => self)?.response;

const noteOf = (event, nameOf) => {
  const notes = [];
  if (answered(event) === 'declined') notes.push('declined');
  else if (event.busy === 'needs-action') notes.push('not answered yet');
  else if (event.busy === 'tentative') notes.push('tentative');
  else if (event.busy === 'free') notes.push('free');
  if (event.copies.length > 0) notes.push(`also in ${event.copies.map(({ calendarId }) => nameOf(calendarId)).join(', ')}`);
  return notes.join(', ');
};

const timeOf = ({ allDay, start, end }, zone) => (allDay ? 'all day' : `${clock(wallAt(zone, start))} – ${clock(wallAt(zone, end))}`);

/** What blocks time and tells nothing else comes from a calendar that is shared as free and busy times only. */
const titleOf = ({ title, busy }) => title ?? (busy === 'free' ? '(no title)' : 'busy');

const ago = (instant, now) => {
  const seconds = Math.max(0, Math.round((now - Date.parse(instant)) / 1_000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
};

/** One line when all is well; else one for each calendar that is not as it should be. */
const freshnessLines = (freshness, nameOf, now) => {
  const odd = freshness.filter(({ state, unreadable }) => state !== 'fresh' || unreadable > 0);
  const last = freshness
    .map(({ lastSuccessAt }) => lastSuccessAt)
    .filter((instant) => instant !== null)
    .sort()[0];
  if (odd.length === 0 && last !== undefined) return [`All ${freshness.length} calendars are fresh; read ${ago(last, now)}.`];
  return odd.map(({ calendarId, state, reason, unreadable }) =>
    [`${nameOf(calendarId)} is ${state}`, reason, unreadable > 0 ? `${unreadable} of its events could not be read` : null]
      .filter((part) => part !== null)
      .join(': '),
  );
};

/** `events`: an answer of the API for a week as `comingWeek` tells it; `calendars`: all of the person's. */
export const weekTable = ({ items, freshness }, calendars, week, colors) => {
  const byId = new Map(calendars.map((calendar) => [calendar.calendarId, calendar]));
  const nameOf = (calendarId) => byId.get(calendarId)?.name ?? '?';
  const titles = items.map(titleOf);
  const width = Math.min(40, Math.max(12, ...titles.map((title) => title.length)));
  const names = Math.min(24, Math.max(8, ...calendars.map(({ name }) => name.length)));
  const line = (event, label) => {
    const title = titleOf(event).slice(0, width).padEnd(width);
    const faint = event.busy === 'free' ? 2 : 0;
    const calendar = `${dot(colors, byId.get(event.calendarId)?.color ?? null)} ${nameOf(event.calendarId).slice(0, names).padEnd(names)}`;
    const note = noteOf(event, nameOf);
    const text = `  ${paint(colors, 1, label.padEnd(11))} ${timeOf(event, week.zone).padEnd(13)}  ${paint(colors, faint, title)}  ${calendar}`;
    return note === '' ? text.trimEnd() : `${text}  ${paint(colors, 2, note)}`;
  };
  const lines = week.days.map((day) => {
    const label = dayName(day);
    const found = onDay(items, week, day);
    return found.length === 0 ? [`  ${paint(colors, 1, label)}`] : found.map((event, place) => line(event, place === 0 ? label : ''));
  });
  const heading = `Your week, ${dayName(week.days[0])} to ${dayName(week.days.at(-1))} (${week.name})`;
  return [paint(colors, 1, heading), '', ...lines.flat(), '', ...freshnessLines(freshness, nameOf, Date.now()), ''].join('\n');
};
