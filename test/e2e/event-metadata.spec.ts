import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { EventStoreDBClient } from '@eventstore/db-client';
import { suiteResources } from '../support/opened.js';
import { startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { icsOf, type Item } from '../support/calendar-item.js';

const [ADA, BEN, TEAM] = ['ada-of-this-test', 'ben-of-this-test', randomUUID()];
/** Of the blocks that RFC 5737 and RFC 3849 reserve for documents. */
const [HOME, OFFICE, HOME_AS_V6, LONG] = ['203.0.113.77', '198.51.100.23', '::ffff:203.0.113.77', '2001:db8:5:6:7:8:9:a'];
const RANGE = '2026-11-23T00:00:00Z/2026-11-24T00:00:00Z';

const lunch: Item = {
  uid: 'lunch',
  master: {
    title: 'Lunch',
    start: Math.floor(Date.now() / 86_400_000) * 86_400_000,
    length: 3_600_000,
    zone: 'Europe/Paris',
    status: 'CONFIRMED',
  },
  rule: null,
  until: null,
  exdates: [],
  rdates: [],
  overrides: [],
  lines: [],
};

type Stored = Readonly<{ stream: string; type: string; metadata: Readonly<Record<string, unknown>>; text: string }>;

describe('Beside each event it is stored', () => {
  const opened = suiteResources();
  let service: Service;
  let ada: Client;
  let connectionId: string;
  let log: EventStoreDBClient;

  /** Every event of the log that the service wrote. */
  const stored = async (): Promise<readonly Stored[]> => {
    const events: Stored[] = [];
    for await (const { event } of log.readAll())
      if (event !== undefined && !event.type.startsWith('$')) {
        const { streamId: stream, type, data } = event;
        const metadata = event.metadata as Stored['metadata'];
        events.push({ stream, type, metadata, text: JSON.stringify([data, metadata]) });
      }
    return events;
  };
  const beside = async (type: string) =>
    (await stored()).filter((each) => each.type.startsWith(`${type}.`)).map(({ metadata }) => metadata);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const prefer = (client: Client, tentativeIsBusy: boolean, address: string) =>
    client.request('PATCH', '/v1/calendar/settings', { tentativeIsBusy }, from(address));
  const originsOf = async (userId: string) =>
    (await beside('CalendarPreferenceSet')).filter(({ actor }) => actor === userId).map(({ origin }) => origin);

  beforeAll(async () => {
    const radicale = await opened(startRadicale());
    const calendar = await radicale.makeCalendar('work');
    await radicale.put(calendar, 'lunch.ics', icsOf(lunch));
    service = await opened(startService({ TRUST_PROXY: '1' }));
    const client = EventStoreDBClient.connectionString(await service.eventStoreUrl());
    log = await opened(Promise.resolve(Object.assign(client, { stop: () => client.dispose() })));
    ada = await service.as(ADA, [TEAM]);
    ({ connectionId } = await ada.connect({ url: radicale.url, user: radicale.user, password: radicale.password }));
    await ada.settled();
    for (const address of [HOME, HOME, OFFICE, HOME_AS_V6, LONG])
      for (const tentativeIsBusy of [false, true]) await prefer(ada, tentativeIsBusy, address);
    const ben = await service.as(BEN, [TEAM]);
    await prefer(ben, false, HOME);
    const asked = await ada.request('POST', '/v1/calendar/availability', { users: [ADA, BEN], range: RANGE }, from(HOME));
    expect(asked.status).toBe(200);
    expect((await ada.request('DELETE', `/v1/calendar/connections/${connectionId}`, undefined, from(HOME))).status).toBe(202);
  });

  it('whose data it is and by which route, when a person changes it', async () => {
    const mine = { actor: ADA, subject: ADA };
    expect((await beside('CalendarPreferenceSet'))[0]).toMatchObject({ ...mine, via: 'PATCH /v1/calendar/settings' });
    for (const type of ['CalendarConnected', 'CalendarAdopted'])
      expect((await beside(type))[0]).toMatchObject({ ...mine, via: 'POST /v1/calendar/connections' });
    expect((await beside('ConnectionRevoked'))[0]).toMatchObject({ ...mine, via: 'DELETE /v1/calendar/connections/:id' });
  });

  it('whose data it is and by which role, without an origin, when the system does its work', async () => {
    const work = { actor: 'system:sync', subject: ADA, via: 'sync', origin: null };
    for (const type of ['GenerationStarted', 'DeltaSynced', 'BaselineCompleted']) {
      const all = await beside(type);
      expect(all.length).toBeGreaterThan(0);
      for (const each of all) expect(each).toMatchObject(work);
    }
    for (const each of await beside('LogNamed'))
      expect(each).toMatchObject({ actor: 'system:start', subject: null, via: 'start', origin: null });
  });

  it('by which route somebody looked at others, whose names stand in the events themselves', async () => {
    const [home] = await originsOf(ADA);
    expect(await beside('DataAccessed')).toMatchObject([
      { actor: ADA, subject: null, via: 'POST /v1/calendar/availability', origin: home },
    ]);
  });

  it('where a request came from, as a mark that is equal for one address of one person and for no other', async () => {
    const [home, , again, , office, , homeAsV6, , long] = await originsOf(ADA);
    expect(home).toMatch(/^[\w-]{22}$/);
    expect([again, homeAsV6]).toEqual([home, home]);
    expect(new Set([home, office, long, ...(await originsOf(BEN))]).size).toBe(4);
  });

  it('and nowhere an address in clear', async () => {
    const [events, printed] = [await stored(), service.output()];
    for (const address of [HOME, OFFICE, LONG, '127.0.0.1']) {
      expect(events.filter(({ text }) => text.includes(address))).toEqual([]);
      if (address !== '127.0.0.1') expect(printed).not.toContain(address);
    }
  });

  it('all of it, always', async () => {
    for (const { type, metadata } of await stored()) {
      const { actor, via, origin } = metadata as { actor: string; via: unknown; origin: unknown };
      expect([type, typeof via]).toEqual([type, 'string']);
      expect([type, Object.hasOwn(metadata, 'subject'), origin === null]).toEqual([type, true, actor.startsWith('system:')]);
    }
  });
});
