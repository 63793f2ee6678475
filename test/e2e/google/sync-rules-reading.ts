import { beforeAll, expect, it } from '@jest/globals';
import { type EventBody } from '../../../src/embedded/google/event.js';
import { dayFromNow } from '../../support/events.js';
import { googleHour, type GoogleLinked, type GoogleSuite, personOf, type Person } from '../../support/linked-service.js';
import { eventually } from '../../support/store.js';
import { type OwnAvailability } from '../../../src/availability/availability.contract.js';

const NAMES = ['unreadable', 'expired', 'delta', 'frozen', 'series', 'split'] as const;
type Name = (typeof NAMES)[number];

const [DAY_ONE, DAY_TWO] = [dayFromNow(2), dayFromNow(3)];
const addressOf = (name: Name): string => `${name}@people.example`;
const instantOn = (day: string, time: string): string => `${day}T${time}:00.000Z`;
const inUtc = (dateTime: string) => ({ dateTime, timeZone: 'UTC' });

const zones = Object.fromEntries(NAMES.map((name) => [addressOf(name), 'UTC']));

const suite = (given: () => GoogleLinked): void => {
  let linked: GoogleLinked;
  beforeAll(() => {
    linked = given();
  });

  const put = (name: Name, ...events: readonly EventBody[]): void => {
    for (const event of events) linked.google.calendars.putEvent(addressOf(name), event);
  };

  /** Somebody with one calendar of these events, read. */
  const reader = async (
    name: Name,
    ...events: readonly EventBody[]
  ): Promise<Person & Readonly<{ connectionId: string; calendarId: string }>> => {
    put(name, ...events);
    const person = await personOf(linked.service, name);
    const { connectionId, calendars } = await linked.link(person, addressOf(name));
    await person.changes();
    return { ...person, connectionId, calendarId: calendars[0]?.calendarId ?? '' };
  };

  const generationOf = async (calendarId: string): Promise<number> =>
    (await linked.service.rows<{ generation: number }>('select generation from sync_state where calendar_id = $1', [calendarId]))[0]
      ?.generation ?? 0;
  const listings = (name: Name): readonly number[] =>
    linked.google
      .requests()
      .filter(({ account, path }) => account === addressOf(name) && path.endsWith('/events'))
      .map(({ status }) => status);

  it('sync-rule 1: that cannot be read is not empty, and one event of it that makes no sense hides no other', async () => {
    const nonsense = { id: 'nonsense', summary: 'nonsense', start: { date: 'soon' }, end: { date: 'soon' } };
    const person = await reader('unreadable', googleHour('one', DAY_ONE, '09:00'), nonsense, googleHour('two', DAY_TWO, '09:00'));
    const shown = [`${instantOn(DAY_ONE, '09:00')} one`, `${instantOn(DAY_TWO, '09:00')} two`];
    expect(await person.shown()).toEqual(shown);
    const told = (await person.view(person.connectionId)).calendars[0]?.sync;
    expect(told).toMatchObject({ state: 'fresh', unreadable: 1, problems: [{ code: 'object.bad-time', count: 1 }] });
    const range = `${DAY_ONE}/${DAY_TWO}`;
    const availability = async () => (await person.request<OwnAvailability>('GET', `/v1/calendar/availability?range=${range}`)).body;

    linked.suffer({ fault: 'senseless', account: addressOf('unreadable') });
    await linked.clockwork.outdate(person.calendarId);
    await linked.clockwork.sweep(person, person.calendarId);
    expect(await person.shown()).toEqual(shown);
    expect(await person.view(person.connectionId)).toMatchObject({ status: 'failing', calendars: [{ sync: { state: 'failing' } }] });
    const unsure = await availability();
    expect(unsure.busy).toEqual([{ start: instantOn(DAY_ONE, '09:00'), end: instantOn(DAY_ONE, '10:00') }]);
    expect(unsure.unknown).toEqual([
      { start: instantOn(DAY_ONE, '00:00'), end: instantOn(DAY_ONE, '09:00') },
      { start: instantOn(DAY_ONE, '10:00'), end: instantOn(DAY_TWO, '00:00') },
    ]);

    linked.suffer();
    for (const id of ['one', 'two', 'nonsense']) linked.google.calendars.removeEvent(addressOf('unreadable'), id);
    await linked.clockwork.sweep(person, person.calendarId);
    expect(await person.shown()).toEqual([]);
    const empty = await availability();
    expect([empty.busy, empty.unknown, empty.freshness[0]?.state]).toEqual([[], [], 'fresh']);
    expect((await person.view(person.connectionId)).calendars[0]?.sync).toMatchObject({ unreadable: 0, problems: [] });
  });

  it('sync-rule 2: whose token has expired is read whole as a new generation, once, and its readers see what differs and nothing else', async () => {
    const events = Array.from({ length: 24 }, (_, index) => googleHour(`event-${index}`, dayFromNow(1 + index), '10:00'));
    const person = await reader('expired', ...events);
    const { calendarId } = person;
    const before = await person.shown();
    expect(before).toHaveLength(24);

    put('expired', googleHour('event-3', dayFromNow(4), '12:00'), googleHour('added', DAY_ONE, '15:00'));
    linked.google.calendars.removeEvent(addressOf('expired'), 'event-5');
    linked.google.act({ action: 'forget-sync', calendar: addressOf('expired') });
    const account = addressOf('expired');
    linked.suffer({ fault: 'short-pages', size: 5, account }, { fault: 'slow', milliseconds: 100, account });
    const seen = listings('expired').length;
    const asking = person.sync({ calendarId });
    await eventually('it is read whole', () => listings('expired').slice(seen).includes(410));
    // Asked for again while it is: that is a run after this one, and no second one beside it.
    for (let time = 0; time < 2; time += 1) expect((await person.request('POST', '/v1/calendar/sync', { calendarId })).status).toBe(202);
    // While it is read, what was known stays: an event that only moved is on one of its days, and none but the removed one goes.
    const looked = async (): Promise<null> => {
      const titles = (await person.shown()).map((line) => line.split(' ')[1]);
      expect(titles.filter((title) => title !== 'added' && title !== 'event-5')).toHaveLength(23);
      return null;
    };
    let ended = await Promise.race([asking, looked()]);
    while (ended === null) ended = await Promise.race([asking, looked()]);
    expect(ended.state).toBe('done');
    linked.suffer();
    await eventually('what was asked for meanwhile is done', async () => {
      const owed = await linked.service.rows('select 1 from sync_run where calendar_id = $1 and finished_at is null', [calendarId]);
      return owed.length === 0;
    });
    expect(
      listings('expired')
        .slice(seen)
        .filter((status) => status === 410),
    ).toHaveLength(1);
    expect(await generationOf(calendarId)).toBe(2);
    const told = (await person.changes()).map(({ change, event }) => `${change} ${event?.start ?? ''}`);
    expect(told.sort()).toEqual(
      [
        ...[`added ${instantOn(DAY_ONE, '15:00')}`, `changed ${instantOn(dayFromNow(4), '12:00')}`],
        `removed ${instantOn(dayFromNow(6), '10:00')}`,
      ].sort(),
    );
    expect(await person.shown()).toHaveLength(24);

    // Refused on the second page of what changed: of the first one nothing is told twice.
    for (const index of [10, 11, 12]) put('expired', googleHour(`event-${index}`, dayFromNow(1 + index), '16:00'));
    linked.suffer({ fault: 'short-pages', size: 1, account }, { fault: 'token-refused-midway', times: 1, account });
    await linked.clockwork.sweep(person, calendarId);
    linked.suffer();
    expect((await person.changes()).map(({ change }) => change)).toEqual(['changed', 'changed', 'changed']);
    expect(await generationOf(calendarId)).toBe(3);
    expect(await person.shown()).toHaveLength(24);
  });

  it('sync-rule 3: is read over empty pages to its last one, and what changed is added to what is known, once however often it is read', async () => {
    const account = addressOf('delta');
    linked.suffer({ fault: 'short-pages', size: 2, account }, { fault: 'empty-pages', account });
    const person = await reader('delta', ...[1, 2, 3, 4, 5].map((day) => googleHour(`on-${day}`, dayFromNow(day), '09:00')));
    const { calendarId } = person;
    const state = async () => {
      const [row] = await linked.service.rows<{ cursor: string; fed: string; last_success_at: Date }>(
        'select cursor, fed, last_success_at from sync_state where calendar_id = $1',
        [calendarId],
      );
      return row;
    };
    const known = () =>
      linked.service.rows<{ ref: string; etag: string; hash: string }>(
        'select ref, etag, hash from remote_object where calendar_id = $1 order by ref',
        [calendarId],
      );
    expect(await person.shown()).toHaveLength(5);

    const before = await state();
    await linked.clockwork.sweep(person, calendarId);
    const after = await state();
    expect(after?.cursor).not.toBe(before?.cursor);
    expect([after?.fed, await person.changes()]).toEqual([before?.fed, []]);

    const held = await known();
    put(
      'delta',
      googleHour('on-2', dayFromNow(2), '11:00'),
      googleHour('on-3', dayFromNow(3), '11:00'),
      googleHour('new', DAY_TWO, '13:00'),
    );
    await linked.clockwork.sweep(person, calendarId);
    const shown = await person.shown();
    expect(shown).toHaveLength(6);
    expect((await person.changes()).map(({ change }) => change).sort()).toEqual(['added', 'changed', 'changed']);

    // A process that died after the log had the changes and before their cursor was stored leaves this.
    await linked.service.rows('update sync_state set cursor = $2, fed = $3 where calendar_id = $1', [
      calendarId,
      after?.cursor,
      after?.fed,
    ]);
    await linked.service.rows('delete from remote_object where calendar_id = $1', [calendarId]);
    for (const { ref, etag, hash } of held)
      await linked.service.rows('insert into remote_object (calendar_id, ref, etag, hash, generation) values ($1, $2, $3, $4, 1)', [
        calendarId,
        ref,
        etag,
        hash,
      ]);
    await linked.clockwork.sweep(person, calendarId);
    linked.suffer();
    expect(await person.changes()).toEqual([]);
    expect(await person.shown()).toEqual(shown);
    expect(await generationOf(calendarId)).toBe(1);
  });

  it('sync-rule 7: keeps what begins far ahead, ends a series where its window ends, and moves the window with each new generation', async () => {
    const daily = { recurrence: ['RRULE:FREQ=DAILY'] };
    const person = await reader(
      'frozen',
      googleHour('soon', dayFromNow(95), '09:00'),
      googleHour('endless', dayFromNow(-1_000), '08:00', 'UTC', daily),
      googleHour('far', dayFromNow(500), '09:00', 'UTC', daily),
    );
    const { calendarId } = person;
    const window = (await person.view(person.connectionId)).calendars[0]?.sync?.window;
    const all = `${window?.start.slice(0, 10) ?? ''}/${dayFromNow(364)}`;
    const first = await person.shown(all);
    expect(first).toContain(`${instantOn(dayFromNow(95), '09:00')} soon`);
    expect(first.filter((line) => line.endsWith('endless')).length).toBeGreaterThan(390);
    const stored = () => linked.service.rows('select 1 from event_contents where calendar_id = $1', [calendarId]);
    expect(await stored()).toHaveLength(3);
    const [due] = await linked.service.rows<{ days: number }>(
      'select extract(epoch from generation_due_at - now()) / 86400 as days from sync_state where calendar_id = $1',
      [calendarId],
    );
    expect(Number(due?.days)).toBeGreaterThan(11.9);
    expect(Number(due?.days)).toBeLessThanOrEqual(14);

    // As all of it stood had it been read a hundred days ago, and not since.
    const frozen = dayFromNow(280);
    await linked.service.rows('delete from user_calendar_events where calendar_id = $1 and start_at >= $2', [calendarId, frozen]);
    await linked.service.rows('update event_calendars set window_end = $2 where calendar_id = $1', [calendarId, frozen]);
    await linked.service.rows('update sync_state set window_end = $2, generation_due_at = now() where calendar_id = $1', [
      calendarId,
      frozen,
    ]);
    expect((await person.shown(all)).length).toBeLessThan(first.length);
    await linked.clockwork.sweep(person, calendarId);
    expect(await generationOf(calendarId)).toBe(2);
    expect(await person.shown(all)).toEqual(first);
    expect(await stored()).toHaveLength(3);
  });

  it('sync-rule 9: shows a series without what was cancelled of it, with what was moved at its new time only, and none of it once it is gone', async () => {
    const weekly = googleHour('weekly', DAY_ONE, '09:00', 'UTC', { recurrence: ['RRULE:FREQ=DAILY;COUNT=5'] });
    const person = await reader('series', weekly);
    const { calendarId } = person;
    const original = (index: number) => ({ recurringEventId: 'weekly', originalStartTime: inUtc(`${dayFromNow(2 + index)}T09:00:00`) });
    put(
      'series',
      { ...original(1), status: 'cancelled' },
      { ...googleHour('x', dayFromNow(4), '14:00'), ...original(2), id: undefined, summary: 'moved' },
    );
    await linked.clockwork.sweep(person, calendarId);
    const starts = [
      ...[`${instantOn(DAY_ONE, '09:00')} weekly`, `${instantOn(dayFromNow(4), '14:00')} moved`],
      ...[`${instantOn(dayFromNow(5), '09:00')} weekly`, `${instantOn(dayFromNow(6), '09:00')} weekly`],
    ];
    expect(await person.shown()).toEqual(starts);
    const told = (await person.changes()).map(({ change, event }) => `${change} ${event?.start ?? ''}`);
    expect(told).toEqual([`removed ${instantOn(DAY_TWO, '09:00')}`, `changed ${instantOn(dayFromNow(4), '14:00')}`]);
    // The hole stays one when the calendar is read again, and when the series around it changes.
    put('series', { ...weekly, summary: 'weekly, renamed' });
    await linked.clockwork.sweep(person, calendarId);
    expect((await person.shown()).map((line) => line.replace(', renamed', ''))).toEqual(starts);
    await person.sync({ calendarId, full: true });
    expect((await person.shown()).map((line) => line.replace(', renamed', ''))).toEqual(starts);
    linked.google.calendars.removeEvent(addressOf('series'), 'weekly');
    await linked.clockwork.sweep(person, calendarId);
    expect(await person.shown()).toEqual([]);
  });

  it('sync-rule 9: shows a series that was split from one day on as the old one before it and the new one after, and each occurrence once', async () => {
    const split = dayFromNow(5);
    const series = (id: string, day: string, rule: string, time: string) =>
      googleHour(id, day, time, 'Europe/Paris', { summary: 'daily', recurrence: [rule] });
    const person = await reader('split', series('daily', DAY_ONE, 'RRULE:FREQ=DAILY;COUNT=6', '09:00'));
    expect(await person.shown()).toHaveLength(6);
    put('split', series('daily', DAY_ONE, `RRULE:FREQ=DAILY;UNTIL=${dayFromNow(4).replaceAll('-', '')}T225959Z`, '09:00'), {
      ...series('daily_R', split, 'RRULE:FREQ=DAILY;COUNT=3', '11:00'),
      id: `daily_R${split.replaceAll('-', '')}T080000`,
    });
    await linked.clockwork.sweep(person, person.calendarId);
    const items = await eventually('it was read', async () => person.events(`${DAY_ONE}/${dayFromNow(30)}`));
    expect(items.map(({ start }) => start.slice(0, 10))).toEqual([2, 3, 4, 5, 6, 7].map(dayFromNow));
    expect(new Set(items.map(({ seriesId }) => seriesId)).size).toBe(2);
    expect(new Set(items.slice(0, 3).map(({ seriesId }) => seriesId)).size).toBe(1);
    const hours = items.map(({ start, timeZone }) =>
      new Intl.DateTimeFormat('en-GB', { timeZone: timeZone ?? 'UTC', timeStyle: 'short' }).format(new Date(start)),
    );
    expect(hours).toEqual(['09:00', '09:00', '09:00', '11:00', '11:00', '11:00']);
    const told = (await person.changes()).filter(({ change }) => change !== 'changed');
    expect(told.map(({ change, event }) => `${change} ${event?.start.slice(0, 10) ?? ''}`).sort()).toEqual(
      [5, 6, 7].flatMap((day) => [`added ${dayFromNow(day)}`, `removed ${dayFromNow(day)}`]).sort(),
    );
  });
};

export const readingRules: GoogleSuite = { title: 'A Google calendar, through the whole service,', zones, suite };
