import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type ConnectionView } from '../../../src/connection/connection.contract.js';
import { type GraphBody } from '../../../src/embedded/microsoft/event.js';
import { calendarOf, type MicrosoftLinked, startMicrosoftLinked } from '../../support/linked-microsoft.js';
import { personOf, type Person } from '../../support/linked-service.js';
import { suiteResources } from '../../support/opened.js';
import { eventually } from '../../support/store.js';
import { dateOf, today } from '../../support/whole-window.js';

const DAY = 86_400_000;

const ACCOUNTS = ['series', 'forgotten', 'pending', 'policy', 'dormant', 'leaving'].map((name) => `${name}@work.example`);

const opened = suiteResources();
let linked: MicrosoftLinked;
beforeAll(async () => {
  linked = await opened(startMicrosoftLinked(ACCOUNTS));
});

/** An hour at nine in UTC, so many days from today. */
const hour = (title: string, day: number, more: GraphBody = {}): GraphBody => {
  const date = dateOf(today + day * DAY);
  const time = (clock: string) => ({ dateTime: `${date}T${clock}:00`, timeZone: 'UTC' });
  return { id: title, subject: title, start: time('09:00'), end: time('10:00'), ...more };
};

const daily = (title: string, from: number, count: number): GraphBody =>
  hour(title, from, {
    recurrence: {
      pattern: { type: 'daily', interval: 1 },
      range: { type: 'numbered', startDate: dateOf(today + from * DAY), numberOfOccurrences: count, recurrenceTimeZone: 'UTC' },
    },
  });

const days = (title: string, ...counted: readonly number[]): readonly string[] =>
  counted.map((day) => `${dateOf(today + day * DAY)}T09:00:00.000Z ${title}`);

const someone = async (name: string, ...events: readonly GraphBody[]): Promise<Readonly<{ person: Person; view: ConnectionView }>> => {
  const email = `${name}@work.example`;
  for (const event of events) linked.microsoft.mailboxes.putEvent(calendarOf(email), event);
  const person = await personOf(linked.service, `person-${randomUUID()}`);
  const view = await linked.link(person, email);
  await person.settled();
  return { person, view };
};

const idsOf = ({ calendars }: ConnectionView): readonly string[] => calendars.map(({ calendarId }) => calendarId);

describe('Outlook, through the whole service,', () => {
  it('sync-rule 9: shows a series by what takes place of it, and an occurrence that is moved or taken out as that', async () => {
    const { person, view } = await someone('series', daily('Stand-up', 1, 4));
    const { mailboxes } = linked.microsoft;
    expect(await person.shown()).toEqual(days('Stand-up', 1, 2, 3, 4));
    const original = `${dateOf(today + 2 * DAY)}T09:00:00Z`;
    mailboxes.putEvent(calendarOf('series@work.example'), {
      ...hour('Moved', 6),
      id: undefined,
      seriesMasterId: 'Stand-up',
      originalStart: original,
    });
    mailboxes.removeOccurrence(calendarOf('series@work.example'), 'Stand-up', `${dateOf(today + 3 * DAY)}T09:00:00Z`);
    await linked.clockwork.sweep(person, ...idsOf(view));
    expect(await person.shown()).toEqual([...days('Stand-up', 1, 4), ...days('Moved', 6)]);
    mailboxes.removeEvent(calendarOf('series@work.example'), 'Stand-up');
    await linked.clockwork.sweep(person, ...idsOf(view));
    expect(await person.shown()).toEqual([]);
  });

  it('sync-rule 4: reads a calendar again whose token is forgotten, and tells no change that is none', async () => {
    const { person, view } = await someone('forgotten', hour('Lunch', 1), daily('Walk', 2, 3));
    await person.changes();
    linked.microsoft.mailboxes.forgetSync(calendarOf('forgotten@work.example'));
    linked.microsoft.mailboxes.putEvent(calendarOf('forgotten@work.example'), hour('Swim', 5));
    await linked.clockwork.sweep(person, ...idsOf(view));
    expect(await person.shown()).toEqual([...days('Lunch', 1), ...days('Walk', 2, 3, 4), ...days('Swim', 5)]);
    expect((await person.changes()).map(({ change }) => change)).toEqual(['added']);
  });

  it('sync-rule 26: shows the time of a series whose details cannot be had, and the details as soon as they can', async () => {
    const account = 'pending@work.example';
    linked.suffer({ fault: 'masters-left-out', account }, { fault: 'denied', account, on: 'event' });
    const { person, view } = await someone('pending', daily('Secret', 40, 2));
    expect((await person.shown()).map((line) => line.trim())).toEqual(days('', 40, 41).map((line) => line.trim()));
    linked.suffer();
    // A reading that began before may still end without them.
    await eventually('its details are shown', async () => {
      await linked.clockwork.sweep(person, ...idsOf(view));
      return (await person.shown()).every((line) => line.endsWith(' Secret'));
    });
    expect(await person.shown()).toEqual(days('Secret', 40, 41));
  });

  it('sync-rule 37: asks for a new sign-in when the organisation does, in words of its own, and shows the last good state', async () => {
    const account = 'policy@work.example';
    const { person, view } = await someone('policy', hour('Lunch', 1));
    linked.suffer({ fault: 'grant-refused', account, number: 70_043, seconds: 43_200 });
    linked.microsoft.act({ action: 'expire-access', account });
    await linked.clockwork.tend(view.connectionId);
    const told = await eventually('it is told', async () => {
      const found = await person.view(view.connectionId);
      // What the calendar knows comes a moment before what its account was told.
      const isTold = found.status === 'needs_reconnect' && found.noticeAt !== null;
      return found.calendars[0]?.sync?.state === 'needs_reconnect' && isTold && found;
    });
    expect(told).toMatchObject({
      code: 'access-policy',
      reason: expect.stringContaining('organisation asks for a new sign-in every 12 hours'),
    });
    expect(told.calendars[0]?.sync?.reason).toBe(told.reason);
    expect(Date.parse(told.noticeAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(await person.shown()).toEqual(days('Lunch', 1));
    linked.suffer();
  });

  it('sync-rule 37: renews an access within a month that nothing else uses, because Microsoft ends it after 90 days', async () => {
    const { view } = await someone('dormant', hour('Lunch', 1));
    const renewals = () =>
      linked.microsoft.requests().filter(({ path, account }) => path.endsWith('/token') && account === 'dormant@work.example').length;
    const look = async (days: number): Promise<number> => {
      const before = renewals();
      await linked.service.rows(
        `with renewal as (update grant_renewal set renewed_at = renewed_at - $2 * interval '1 day' where connection_id = $1)
         update vault set created_at = created_at - $2 * interval '1 day' where connection_id = $1`,
        [view.connectionId, days],
      );
      await linked.clockwork.tend(view.connectionId);
      return renewals() - before;
    };
    expect([await look(20), await look(9), await look(1)]).toEqual([0, 1, 0]);
  });

  it('sync-rule 12: asks nothing more after a revoke, and says where the permission is taken back', async () => {
    const { person, view } = await someone('leaving', hour('Lunch', 1));
    expect((await person.request('DELETE', `/v1/calendar/connections/${view.connectionId}`)).status).toBe(202);
    await eventually('it is wound up', async () => {
      const rows = await linked.service.rows('select 1 from connections where connection_id = $1 and purged_at is not null', [
        view.connectionId,
      ]);
      return rows.length > 0;
    });
    expect(await person.view(view.connectionId)).toMatchObject({
      ...{ status: 'revoked', code: 'grant.owners' },
      nextStep: expect.stringContaining('myapps.microsoft.com'),
    });
    expect(await person.shown()).toEqual([]);
  });
});
