import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TeamAvailability } from '../../src/availability/availability.contract.js';
import { readTopics } from '../../src/infra/kafka/topics.file.js';
import { watchedExpressions } from '../support/docker-files.js';
import { lunchSoon } from '../support/events.js';
import { blocksOf, runBlocks, saveScripts } from '../support/guide.js';
import { makeTopics, ownKafka, readTopic } from '../support/kafka.js';
import { suiteResources } from '../support/opened.js';
import { runProgram } from '../support/program.js';
import { metricsIn } from '../support/promql.js';
import { startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const DIRECTORY = fileURLToPath(new URL('../../dist/programs/directory.tool.js', import.meta.url));
const RANGE = '2026-03-02T08:00:00Z/2026-03-02T09:00:00Z';
const WHOLE = { start: '2026-03-02T08:00:00.000Z', end: '2026-03-02T09:00:00.000Z' };

type Opened = ReturnType<typeof suiteResources>;

const KAFKA = 'Apache Kafka';

/** Started with the suite, because a JVM takes as long as the cases that need none. */
let kafka: ReturnType<typeof ownKafka>;
beforeAll(() => {
  kafka = ownKafka();
  kafka.catch(() => undefined);
});
afterAll(async () => (await kafka).end());

/** Where topics are, as variables say it. */
const BROKERS: readonly (readonly [name: string, settings: () => Promise<Readonly<Record<string, string>>>])[] = [
  ['the broker of this machine', () => Promise.resolve({})],
  [
    KAFKA,
    async () => {
      const { brokers } = await kafka;
      await makeTopics(brokers, Object.fromEntries(readTopics().map(({ name, partitions }) => [name, partitions])));
      return { KAFKA_BROKERS: brokers };
    },
  ],
];

const blocks = blocksOf('topics.md');

/** The guide's examples, run against a service and its broker. */
const guide = (serviceOf: () => Service | null, opened: Opened): void => {
  let outputs: readonly string[];
  let metrics: string;

  beforeAll(async () => {
    const service = serviceOf();
    if (service === null) throw new Error('there is no service');
    const { brokers } = await kafka;
    const folder = await mkdtemp(join(tmpdir(), 'juy-guide-'));
    await opened(Promise.resolve({ stop: () => rm(folder, { recursive: true, force: true }) }));
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
    await saveScripts('topics.md', folder);
    const radicale = await opened(startRadicale());
    const calendar = await radicale.makeCalendar('work');
    for (const name of ['lunch', 'tea', 'walk']) await radicale.put(calendar, `${name}.ics`, lunchSoon(name, name));
    const me = await service.as('me');
    await me.connect(radicale);
    await me.settled();
    const told = async (topic: string): Promise<number> => (await readTopic(brokers, topic)).length;
    await eventually('what happened is told', async () => {
      const [connections, events] = await Promise.all([told('juy.calendar.connections.v1'), told('juy.calendar.events.v1')]);
      return connections > 0 && events > 4;
    });
    const environment = { KAFKA: brokers, API: service.url, TOKEN: await service.token('me') };
    // kafkajs is that of this repository.
    const ran = await runBlocks(blocks, environment, { before: 'npm() { :; }', folder });
    expect([ran.code, ran.complaints]).toEqual([0, '']);
    ({ outputs } = ran);
    metrics = await (await fetch(`${service.url}/metrics`)).text();
  });

  it('comes with a dashboard and alerts whose metrics a service that publishes has', () => {
    const there = new Set([...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const watched = watchedExpressions().flatMap(([, expression]) => metricsIn(expression));
    expect(watched.filter((name) => name.startsWith('relay_')).length).toBeGreaterThan(2);
    expect(watched.filter((name) => name !== 'up' && !there.has(name))).toEqual([]);
  });

  it('states the outcome of every example', () => {
    expect(blocks.length).toBeGreaterThan(4);
    expect(blocks.filter(({ fragment }) => fragment === '').map(({ text }) => text)).toEqual([]);
  });

  it.each(blocks.map((block, index) => ({ ...block, index, name: block.text.split('\n')[0] ?? '' })))(
    'is right that $name … prints $fragment',
    ({ index, fragment }) => {
      expect(outputs[index]).toContain(fragment);
    },
  );
};

describe.each(BROKERS)('Teams and rooms that come by a topic of %s', (name, begin) => {
  const opened = suiteResources();
  let [service, settings, ada]: [Service | null, Readonly<Record<string, string>>, Client | null] = [null, {}, null];

  beforeAll(async () => {
    settings = await begin();
    service = await opened(startService(settings));
    // Of no team, as far as tokens say.
    ada = await service.as('ada');
  });

  const directory = async (...lines: readonly unknown[]): Promise<string> => {
    const dataDir = service?.dataDir ?? '';
    const file = join(dataDir, 'directory.ndjson');
    await writeFile(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
    const { code, printed } = await runProgram([DIRECTORY, 'import', file], { DATA_DIR: dataDir, ...settings });
    return `${code} ${printed}`;
  };
  const ask = async (...users: readonly string[]) => {
    const asked = { users, range: RANGE, durationMinutes: 60, quorum: 1 };
    const answer = await ada?.request<TeamAvailability & { code?: string }>('POST', '/v1/calendar/availability', asked);
    return answer?.status === 200 ? answer.body : (answer?.body.code ?? null);
  };
  const UNKNOWN = 'availability.unknown-person';
  const FREE = { busy: [], unknown: [], unreadable: 0 };

  it('make availability answerable, a room being free', async () => {
    expect([await ask('ben'), await ask('room-oak')]).toEqual([UNKNOWN, UNKNOWN]);
    const printed = await directory(
      { userId: 'ada', teams: ['red'] },
      { userId: 'ben', teams: ['red', 'blue'] },
      { userId: 'cleo', teams: ['blue'] },
      { resourceId: 'room-oak', kind: 'room', name: 'Oak', capacity: 8, timeZone: 'Europe/Paris', teams: ['red'] },
      { resourceId: 'beamer', kind: 'equipment', name: 'Beamer', teams: ['blue'] },
    );
    expect(printed).toMatch(/^0 Published to juy[.]directory[.]teams[.]v1 on .*: 3 people, 2 rooms or equipment, 0 to be taken out[.]/);
    expect(printed).toContain(settings['KAFKA_BROKERS'] ?? name);
    await eventually('all is known', async () => (await ask('ben', 'room-oak')) !== UNKNOWN);
    expect(await ask('ben', 'room-oak')).toMatchObject({
      users: [
        { userId: 'ben', busy: [], unknown: [WHOLE] },
        { userId: 'room-oak', ...FREE },
      ],
      slots: [{ ...WHOLE, free: ['room-oak'] }],
    });
    expect([await ask('cleo'), await ask('beamer'), await ask('ben', 'beamer')]).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
  });

  it('are taken in that came while the service was killed, once it runs again', async () => {
    await service?.kill();
    await directory(
      { removed: 'member:ben' },
      { removed: 'resource:room-oak' },
      { resourceId: 'beamer', kind: 'equipment', name: 'Beamer', teams: ['red'] },
    );
    await service?.restart();
    await eventually('all is known', async () => (await ask('beamer')) !== UNKNOWN);
    await eventually('what was taken out is gone', async () => (await ask('ben')) === UNKNOWN && (await ask('room-oak')) === UNKNOWN);
    expect(await ask('beamer')).toMatchObject({ users: [{ userId: 'beamer', ...FREE }] });
  });

  it('are taken in that came while PostgreSQL was killed, once it is back', async () => {
    process.kill((await service?.engine('postgres')) ?? 0, 'SIGKILL');
    await eventually('they are published', async () => (await directory({ userId: 'eve', teams: ['red'] })).startsWith('0 '));
    await eventually('they are known', async () => {
      const answer = await ask('eve');
      return typeof answer === 'object' && answer?.users.length === 1;
    });
  });

  it('are not published of a file with a mistake, of which the line is told', async () => {
    const printed = await directory({ userId: 'dora', teams: ['red'] }, 'dora secret');
    expect(printed).toMatch(/^1 Nothing was published: 1 lines of the file are wrong[.]\n {2}line 2 is no JSON/);
    expect(printed).not.toContain('dora');
  });

  if (name === KAFKA)
    describe('and the guide to them', () => {
      guide(() => service, opened);
    });
});
