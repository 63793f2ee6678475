import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { icsOf, type Item } from '../support/calendar-item.js';
import { edited } from '../support/edits.js';
import { heldBy, instancesIn, lines } from '../support/oracle.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, type Random, randomFrom, seedItems } from '../support/seed.js';
import { type Answer, type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
/** Rounds of one kill of each kind: on a slow machine as many as fit into the time, in milliseconds, but never fewer than five. */
const ROUNDS = strength(1, 20);
const TIME = 100_000;
const FEWEST = 5;
const EVENTS = strength(600, 1_000);
/** Longest pause before a sync is waited for to kill in, in milliseconds: a whole reading takes about one second. */
const LONGEST = 1_000;
/** How far into a sync the kill comes, in milliseconds. */
const SOON = 300;
/** What is promised is 10 s; a machine with other things to do gets more. */
const RECOVERY_LIMIT = 120_000;

type Kind = 'service' | 'postgres' | 'one connection of postgres' | 'event store';

/** Every kind once, in a random order; a Postgres that loses one process to `kill -9` ends all its connections, as if it had died. */
const round = (random: Random): readonly Kind[] => {
  const kinds: readonly Kind[] = ['service', random.chance(0.3) ? 'one connection of postgres' : 'postgres', 'event store'];
  return kinds
    .map((kind) => ({ kind, at: random.below(1_000_000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
};

/** Does something again and again, beside the test, until told to stop; failures are part of it. */
const meanwhile = (pause: number, act: () => Promise<void>) => {
  let going = true;
  const loop = async (): Promise<void> => {
    while (going) {
      await act();
      await sleep(pause);
    }
  };
  const ended = loop();
  return async (): Promise<void> => {
    going = false;
    await ended;
  };
};

const UNREACHED = 0;

describe(`The service, its Postgres and its event store, killed again and again in the middle of syncs (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const opened = suiteResources();
  const atEnd = testEndings();
  const recoveries = new Map<Kind, number[]>();
  const answers = new Map<string, number>();
  const acknowledged: string[] = [];
  const items: Item[] = [...seedItems({ events: EVENTS, seed: SEED, from: new Date(today) })];
  let [rounds, kills] = [0, 0];
  let edits = 0;
  let givenUp = false;
  let calendar: string;
  let calendarId: string;
  let radicale: Radicale;
  let service: Service;
  let me: Client;

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    service = await opened(startService());
    calendar = await radicale.makeCalendar('work');
    await radicale.seed(calendar, new Map(items.map((item) => [fileOf(item), icsOf(item)])));
    me = await service.as('ada');
    const { calendars } = await me.connect(radicale);
    calendarId = calendars[0]?.calendarId ?? '';
    await me.settled();
  });

  const asked = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await me
      .request<Readonly<{ code?: string }> | null>(method, path, body)
      .catch(() => ({ status: UNREACHED, headers: new Headers(), body: null }));
    const name =
      answer.status < 400 ? String(answer.status) : `${answer.status} ${answer.body?.code ?? ''} ${answer.headers.has('retry-after')}`;
    answers.set(name, (answers.get(name) ?? 0) + 1);
    return answer;
  };

  const edit = async (): Promise<void> => {
    const index = random.below(items.length);
    const item = items[index];
    if (item === undefined) return;
    const changed = edited(item, random, today);
    items[index] = changed;
    edits += 1;
    await radicale.put(calendar, fileOf(changed), icsOf(changed));
  };

  /** Appends what has no follower, one event after the other, each until it is acknowledged. */
  const append = async (client: EventStoreDBClient): Promise<void> => {
    const id = randomUUID();
    const expectedRevision = acknowledged.length === 0 ? 'no_stream' : BigInt(acknowledged.length - 1);
    while (!givenUp)
      try {
        const event = jsonEvent({ id, type: 'Proof', data: { number: acknowledged.length } });
        await client.appendToStream('proof-1', event, { expectedRevision, deadline: 5_000 });
        acknowledged.push(id);
        return;
      } catch {
        await sleep(50);
      }
  };

  const isSyncing = async (): Promise<boolean> =>
    (await service.rows('select 1 from sync_state where claimed_until > now()').catch(() => [])).length > 0;

  /** One that ends by itself meanwhile does not count. */
  const killOneConnection = async (): Promise<void> => {
    for (let killed = false; !killed;) {
      const found = await service.rows<{ pid: number }>(
        `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      try {
        killed = process.kill(random.pick(found).pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };

  const kill = async (kind: Kind): Promise<void> => {
    if (kind === 'service') {
      await service.kill();
      await service.restart();
    } else if (kind === 'one connection of postgres') await killOneConnection();
    else process.kill(await service.engine(kind), 'SIGKILL');
  };

  /** The service is well again when a command is answered with what it changed: database, event store, projection and API all took part. */
  const recovered = async (mode: string): Promise<void> => {
    const until = performance.now() + RECOVERY_LIMIT;
    while ((await asked('PATCH', '/v1/calendar/settings', { calendars: [{ calendarId, mode }] })).status !== 200) {
      if (performance.now() > until) throw new Error('the service did not recover');
      await sleep(20);
    }
  };

  const killAndWait = async (kind: Kind): Promise<void> => {
    await sleep(random.below(LONGEST));
    await eventually('a sync is at work, and has been for a moment', async () => {
      if (!(await isSyncing())) return false;
      await sleep(random.below(SOON));
      return isSyncing();
    });
    kills += 1;
    const killed = performance.now();
    await kill(kind);
    await recovered(kills % 2 === 0 ? 'write' : 'read_only');
    recoveries.set(kind, [...(recoveries.get(kind) ?? []), Math.round(performance.now() - killed)]);
  };

  it('recover by themselves each time, and answer 503 until then', async () => {
    const client = EventStoreDBClient.connectionString(await service.eventStoreUrl());
    const stops = [
      meanwhile(100, edit),
      meanwhile(20, () => append(client)),
      meanwhile(100, async () => {
        await asked('GET', `/v1/calendar/events?range=${WHOLE_WINDOW}&limit=20`);
      }),
      meanwhile(200, async () => {
        if (!(await isSyncing())) await asked('POST', '/v1/calendar/sync', { full: random.chance(0.7) });
      }),
    ];
    atEnd(() => {
      givenUp = true;
      return Promise.all(stops.map((stop) => stop()));
    });
    const end = performance.now() + TIME;
    for (; rounds < ROUNDS && (rounds < FEWEST || performance.now() < end); rounds += 1)
      for (const kind of round(random)) await killAndWait(kind);
    for (const stop of stops) await stop();
    await client.dispose();
    const median = (all: readonly number[]): number => all.toSorted((one, other) => one - other)[all.length >> 1] ?? 0;
    const told = [...recoveries].map(
      ([kind, all]) => `${kind} ${all.length} times, back after ${median(all)} ms (at most ${Math.max(...all)})`,
    );
    process.stdout.write(
      `${rounds} rounds: ${told.join('; ')}; ${edits} edits, ${acknowledged.length} appends, answers ${JSON.stringify(Object.fromEntries(answers))}\n`,
    );
    expect([...answers.keys()].filter((name) => !/^(0|200|202|503 service.unavailable true)$/.test(name))).toEqual([]);
  }, 900_000);

  it('have lost no event they acknowledged, and stored none twice', async () => {
    const client = EventStoreDBClient.connectionString(await service.eventStoreUrl());
    const found: string[] = [];
    for await (const { event } of client.readStream('proof-1')) if (event !== undefined) found[Number(event.revision)] = event.id;
    await client.dispose();
    expect(found).toEqual(acknowledged);
  });

  it('show what the server holds, nothing lost and nothing doubled', async () => {
    expect(await me.sync()).toMatchObject({ state: 'done' });
    const shown = await me.events(WHOLE_WINDOW);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    expect(lines(shown)).toEqual(lines(instancesIn(await heldBy(calendar, radicale.user, radicale.password), wholeWindow)));
  });

  it('go on from there as if nothing had happened', async () => {
    expect(await me.sync()).toMatchObject({ state: 'done', done: 0 });
  });
});
