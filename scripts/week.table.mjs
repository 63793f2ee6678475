// A person's week as a table for the terminal.

const DAYS = 7;
const DAY = 86_400_000;

/** Midnight of today where the terminal is, and of the day a week later. */
export const comingWeek = (now = new Date()) => {
  const start = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  return { start, end: new Date(start.getFullYear(), start.getMonth(), start.getDate() + DAYS) };
};

const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: '2-digit', month: 'short' });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

const fullDate = (date) => {
  const two = (value) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};

/** What is on a day: all-day events on each of theirs, others on the day they begin, or the first day shown. */
const onDay = (items, day, isFirst) => {
  const date = fullDate(day);
  const next = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
  return items.filter(({ allDay, start, end }) => {
    if (allDay) return start <= date && date < end;
    const begins = new Date(start);
    return (begins >= day || isFirst) && begins < next;
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

const timeOf = ({ allDay, start, end }) => (allDay ? 'all day' : `${clock.format(new Date(start))} – ${clock.format(new Date(end))}`);

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

/** `events`: an answer of the API for that week; `calendars`: all of the person's. */
export const weekTable = ({ items, freshness }, calendars, { start, end }, colors) => {
  const byId = new Map(calendars.map((calendar) => [calendar.calendarId, calendar]));
  const nameOf = (calendarId) => byId.get(calendarId)?.name ?? '?';
  const titles = items.map(({ title }) => title ?? '(no title)');
  const width = Math.min(40, Math.max(12, ...titles.map((title) => title.length)));
  const names = Math.min(24, Math.max(8, ...calendars.map(({ name }) => name.length)));
  const line = (event, label) => {
    const title = (event.title ?? '(no title)').slice(0, width).padEnd(width);
    const faint = event.busy === 'free' ? 2 : 0;
    const calendar = `${dot(colors, byId.get(event.calendarId)?.color ?? null)} ${nameOf(event.calendarId).slice(0, names).padEnd(names)}`;
    const note = noteOf(event, nameOf);
    const text = `  ${paint(colors, 1, label.padEnd(11))} ${timeOf(event).padEnd(13)}  ${paint(colors, faint, title)}  ${calendar}`;
    return note === '' ? text.trimEnd() : `${text}  ${paint(colors, 2, note)}`;
  };
  const lines = Array.from({ length: DAYS }, (_, index) => {
    const day = new Date(start.getFullYear(), start.getMonth(), start.getDate() + index);
    const label = dayName.format(day).replace(',', '');
    const found = onDay(items, day, index === 0);
    return found.length === 0 ? [`  ${paint(colors, 1, label)}`] : found.map((event, place) => line(event, place === 0 ? label : ''));
  });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const heading = `Your week, ${dayName.format(start).replace(',', '')} to ${dayName.format(new Date(end - DAY / 2)).replace(',', '')} (${zone})`;
  return [paint(colors, 1, heading), '', ...lines.flat(), '', ...freshnessLines(freshness, nameOf, Date.now()), ''].join('\n');
};
