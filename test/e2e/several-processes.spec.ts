import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { readTopics } from '../../src/infra/kafka/topics.file.js';
import { icsOf, type Item } from '../support/calendar-item.js';
import { edited } from '../support/edits.js';
import { makeTopics, ownKafka, readTopic } from '../support/kafka.js';
import { mirror, readAsTold, textOf } from '../support/mirror.js';
import { heldBy, instancesIn, lines } from '../support/oracle.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { runProgram } from '../support/program.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, randomFrom, seedItems } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { startStores } from '../support/stores.js';
import { strength } from '../support/strength.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['FREEZE_SEED'] ?? Date.now() % 1_000_000);
/** Milliseconds; of a worker longer than a lease of 8 s, while the place of a projector is its own as long as it lives; HTTP/2 pings go unanswered after 20. */
const FREEZE = { sync: strength(9_000, 15_000), projector: strength(4_000, 15_000) };
const EVENTS = 400;

const REBUILD = fileURLToPath(new URL('../../dist/programs/rebuild.tool.js', import.meta.url));

describe(`One api, two projectors, two sync workers and a relay, each a process of its own (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const opened = suiteResources();
  const atEnd = testEndings();
  const items: Item[] = [...seedItems({ events: EVENTS, seed: SEED, from: new Date(today) })];
  let database: pg.Pool;
  let environment: Readonly<Record<string, string>>;
  let calendar: string;
  let radicale: Radicale;
  let processes: Readonly<Record<'api' | 'projector' | 'standby' | 'sync' | 'other sync' | 'relay', Service>>;
  let me: Client;
  let brokers: string;

  beforeAll(async () => {
    const starting = ownKafka().then((kafka) => ({ address: kafka.brokers, stop: kafka.end }));
    const [calendars, { addresses }, { address }] = await Promise.all([opened(startRadicale()), opened(startStores()), opened(starting)]);
    [radicale, brokers] = [calendars, address];
    database = new pg.Pool({ connectionString: addresses.DATABASE_URL, max: 2 });
    await opened(Promise.resolve({ stop: () => database.end() }));
    await makeTopics(brokers, Object.fromEntries(readTopics().map(({ name, partitions }) => [name, partitions])));
    environment = { ...addresses, KAFKA_BROKERS: brokers, MASTER_KEY: randomBytes(32).toString('base64'), PROVIDERS: 'live' };
    const start = (ROLE: string): Promise<Service> => opened(startService({ ...environment, ROLE }));
    // One projector after the other, so that it is known which works and which stands by.
    const api = await start('api');
    const [projector, sync] = await Promise.all([start('projector'), start('sync')]);
    const [standby, other, relay] = await Promise.all([start('projector'), start('sync'), start('relay')]);
    processes = { api, projector, sync, standby, 'other sync': other, relay };
    calendar = await radicale.makeCalendar('work');
    await radicale.seed(calendar, new Map(items.map((item) => [fileOf(item), icsOf(item)])));
    me = await api.as('ada');
    await me.connect(radicale);
    await me.settled();
  }, 300_000);

  const change = async (count: number): Promise<void> => {
    for (let time = 0; time < count; time += 1) {
      const index = random.below(items.length);
      const item = items[index];
      if (item === undefined) return;
      const changed = edited(item, random, today);
      items[index] = changed;
      await radicale.put(calendar, fileOf(changed), icsOf(changed));
    }
  };

  const isTheServers = async (): Promise<void> => {
    const shown = await me.events(WHOLE_WINDOW);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    expect(lines(shown)).toEqual(lines(instancesIn(await heldBy(calendar, radicale.user, radicale.password), wholeWindow)));
  };

  const claimed = async (): Promise<boolean> =>
    ((await database.query('select 1 from sync_state where claimed_until > now()')).rowCount ?? 0) > 0;

  const beginReading = (): Promise<boolean> =>
    eventually('a reading is under way', async () => {
      await me.request('POST', '/v1/calendar/sync', { full: true });
      return claimed();
    });

  /** Stops a process in its tracks for a while, in the middle of a reading, while the server's calendar goes on changing. */
  const freeze = async (service: Service, milliseconds: number): Promise<void> => {
    await beginReading();
    await sleep(random.below(400));
    process.kill(service.pid(), 'SIGSTOP');
    try {
      const until = performance.now() + milliseconds;
      while (performance.now() < until) {
        await change(3);
        await me.request('POST', '/v1/calendar/sync', { full: random.chance(0.3) });
        await sleep(500);
      }
    } finally {
      process.kill(service.pid(), 'SIGCONT');
    }
  };

  it('show what the server holds', isTheServers);

  it('lose and double nothing when a sync worker is frozen in its work and woken, which the other has taken over', async () => {
    for (const name of strength(['sync'] as const, ['sync', 'other sync'] as const)) await freeze(processes[name], FREEZE.sync);
    expect(await me.sync()).toMatchObject({ state: 'done' });
    await isTheServers();
  }, 300_000);

  it('lose and double nothing when the projector that works is frozen and woken', async () => {
    await freeze(processes.projector, FREEZE.projector);
    expect(await me.sync()).toMatchObject({ state: 'done' });
    await isTheServers();
  }, 300_000);

  it('hand over to the projector that stands by when the other is killed', async () => {
    await processes.projector.kill();
    await change(3);
    expect(await me.sync()).toMatchObject({ state: 'done' });
    await isTheServers();
    await processes.projector.restart();
  }, 300_000);

  it('have a read model built again beside the live one, and nothing changes; killed half-way, it changes nothing either', async () => {
    const before = await me.events(WHOLE_WINDOW);
    const child = spawn(process.execPath, [REBUILD, 'user_calendar_events'], { env: { ...process.env, ...environment }, stdio: 'ignore' });
    atEnd(() => child.kill('SIGKILL'));
    const building = `select 1 from pg_tables where schemaname = 'rebuild_user_calendar_events'`;
    await eventually('it builds', async () => child.exitCode !== null || (await database.query(building)).rowCount !== 0);
    child.kill('SIGKILL');
    expect(await me.events(WHOLE_WINDOW)).toEqual(before);
    expect(await runProgram([REBUILD, 'user_calendar_events'], environment)).toMatchObject({ code: 0 });
    expect(await me.events(WHOLE_WINDOW)).toEqual(before);
    expect((await database.query(building)).rowCount).toBe(0);
    const unknown = await runProgram([REBUILD, 'users'], environment);
    expect([unknown.code, unknown.printed]).toEqual([2, expect.stringContaining('  user_calendar_events\n')]);
  }, 300_000);

  it('answer with the connection that was made, however late the read models have it', async () => {
    const bob = await processes.api.as('bob');
    const credentials = { serverUrl: radicale.url, username: radicale.user, password: radicale.password };
    const projectors = [processes.projector, processes.standby];
    const tell = (signal: NodeJS.Signals): void => {
      for (const { pid } of projectors) process.kill(pid(), signal);
    };
    tell('SIGSTOP');
    try {
      const asked = bob.request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
      // Longer than a command that changes what is shown already waits for the read models.
      await sleep(6_000);
      tell('SIGCONT');
      expect(await asked).toMatchObject({ status: 201, body: { provider: 'caldav', account: radicale.user } });
    } finally {
      tell('SIGCONT');
    }
  }, 300_000);

  it('tell by topics the calendar that the api shows, whichever process found what', async () => {
    await eventually('a consumer of the topic holds what is shown', async () => {
      const told = mirror();
      for (const { payload } of await readTopic(brokers, 'juy.calendar.events.v1')) if (payload !== null) told.take(payload);
      const shown = await readAsTold(me);
      return shown.size > EVENTS / 2 && textOf(told.eventsOf('ada')) === textOf(shown);
    });
  }, 300_000);

  it('stop in the middle of their work, and leave nothing locked', async () => {
    await beginReading();
    await Promise.all(Object.values(processes).map((service) => service.halt()));
    // The server lets go of what a connection held a moment after its end.
    const locks = `select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = 'juy')`;
    await eventually('nothing is locked', async () => (await database.query(locks)).rowCount === 0);
    expect((await database.query('select 1 from sync_state where claimed_until is not null')).rowCount).toBe(0);
    for (const service of Object.values(processes)) expect(service.output()).toMatch(/"msg":"stopped"/);
  }, 120_000);
});
