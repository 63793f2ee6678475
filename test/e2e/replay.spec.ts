import { PROJECTIONS } from '../../src/app/projections.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { DAY, icsOf, type Item } from '../support/calendar-item.js';
import { edited } from '../support/edits.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, randomFrom, seedItems } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const SEED = 11;
const today = Math.floor(Date.now() / DAY) * DAY;

const READ_MODELS = PROJECTIONS.flatMap(({ tables }) => tables);

const WORK = { name: 'ada.work', password: 'steam engine' };
const HOME = { name: 'ada.home', password: 'difference engine' };

type Checkpoint = Readonly<{ name: string; position: string | null }>;

describe('Read models that are built again from the first event', () => {
  const random = randomFrom(SEED);
  const opened = suiteResources();
  let radicale: Radicale;
  let service: Service;
  let ada: Client;

  beforeAll(async () => {
    radicale = await opened(startRadicale([WORK, HOME]));
    service = await opened(startService());
    ada = await service.as('ada');
  });

  const write = async (calendar: string, items: readonly Item[]): Promise<void> => {
    for (const item of items) await radicale.put(calendar, fileOf(item), icsOf(item));
  };

  const account = ({ name, password }: typeof WORK) => ({ url: radicale.url, user: name, password });

  /** What a few weeks leave behind: readings, changes, a new generation, a switch, a reconnect, a revoke, and the account linked again. */
  const live = async (): Promise<void> => {
    const [projects, family] = [await radicale.makeCalendar('projects'), await radicale.makeCalendar('family', {}, HOME.name)];
    const [workItems, homeItems] = [1, 2].map((more) =>
      seedItems({ events: 120, seed: SEED + more, from: new Date(today), recurring: 0.5 }),
    );
    if (workItems === undefined || homeItems === undefined) return;
    await write(projects, workItems);
    await write(family, homeItems);
    const work = await ada.connect(account(WORK));
    const home = await ada.connect(account(HOME));
    await ada.settled();
    await write(
      family,
      homeItems.slice(0, 30).map((item) => edited(item, random, today)),
    );
    for (const item of homeItems.slice(30, 40)) await radicale.delete(family, fileOf(item));
    await ada.sync();
    await ada.sync({ full: true });
    await write(
      family,
      homeItems.slice(50, 60).map((item) => edited(item, random, today)),
    );
    await ada.sync();
    const credentials = { serverUrl: radicale.url, username: HOME.name, password: HOME.password };
    await ada.request('POST', `/v1/calendar/connections/${home.connectionId}/reconnect`, { credentials });
    const calendarId = home.calendars[0]?.calendarId;
    const hours = { monday: [{ start: '09:00', end: '17:00' }] };
    await ada.request('PATCH', '/v1/calendar/settings', { timeZone: 'Pacific/Auckland', workingHours: hours });
    await ada.request('PATCH', '/v1/calendar/settings', { calendars: [{ calendarId, mode: 'write', privacy: 'full', visible: false }] });
    await ada.request('DELETE', `/v1/calendar/connections/${work.connectionId}`);
    const left = () => service.rows('select 1 from connection_state where connection_id = $1', [work.connectionId]);
    await eventually('the account is gone', async () => (await left()).length === 0);
    await ada.connect(account(WORK));
    await ada.settled();
    await ada.sync();
  };

  const dump = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
    const tables = READ_MODELS.map(async (name) => {
      // Work that a fact left to be done later is told where the log stood when it was done.
      const rows = await service.rows<{ line: string }>(
        `select t::text as line from ${name} t ${name === 'changes' ? `where change <> 'calendar-changed'` : ''} order by line`,
      );
      return [name, rows.map(({ line }) => line)] as const;
    });
    return Object.fromEntries(await Promise.all(tables));
  };

  const checkpoints = () => service.rows<Checkpoint>('select name, position from checkpoint order by name');

  const reached = async (wanted: readonly Checkpoint[]): Promise<boolean> => {
    const now = new Map((await checkpoints()).map(({ name, position }) => [name, BigInt(position ?? -1)]));
    return wanted.every(({ name, position }) => (now.get(name) ?? -1n) >= BigInt(position ?? -1));
  };

  const placed = async (): Promise<boolean> => (await service.rows('select 1 from placement')).length === 0;

  /** Rows, and how far they go, at a moment in which nothing came and nothing was left to be done. */
  const still = () =>
    eventually('nothing moves', async () => {
      if (!(await placed())) return null;
      const [positions, rows] = [await checkpoints(), await dump()];
      return isDeepStrictEqual(positions, await checkpoints()) ? { positions, rows } : null;
    });

  it('are the same, byte for byte', async () => {
    await live();
    const { rows: before, positions } = await still();
    for (const name of READ_MODELS.filter((each) => each !== 'placement')) expect([name, before[name]?.length]).not.toEqual([name, 0]);
    expect(before['user_calendar_events']?.length).toBeGreaterThan(500);
    // Killed, so that PostgreSQL is still there to be emptied behind the back of the projections.
    await service.kill();
    await service.rows(`truncate ${READ_MODELS.join(', ')}`);
    await service.rows('delete from checkpoint');
    await service.restart();
    await eventually('they are as far as before', async () => (await reached(positions)) && placed());
    expect(await dump()).toEqual(before);
  });

  it('go on from there', async () => {
    expect(await ada.sync()).toMatchObject({ state: 'done' });
    expect((await ada.request('GET', '/v1/calendar/connections')).body).toMatchObject({
      items: [{ status: 'connected' }, { status: 'connected' }],
    });
  });
});
