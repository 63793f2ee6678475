import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readTopics } from '../../src/infra/kafka/topics.file.js';
import { lunchSoon } from '../support/events.js';
import { watchedExpressions } from '../support/docker-files.js';
import { blocksOf, runBlocks, saveScripts } from '../support/guide.js';
import { makeTopics, ownKafka, readTopic } from '../support/kafka.js';
import { suiteResources } from '../support/opened.js';
import { metricsIn } from '../support/promql.js';
import { startRadicale } from '../support/radicale.js';
import { startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const blocks = blocksOf('topics.md');

describe('The guide to the topics', () => {
  const opened = suiteResources();
  let outputs: readonly string[];
  let metrics: string;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'juy-guide-'));
    await opened(Promise.resolve({ stop: () => rm(folder, { recursive: true, force: true }) }));
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
    await saveScripts('topics.md', folder);
    const radicale = await opened(startRadicale());
    const kafka = await ownKafka();
    await opened(Promise.resolve({ stop: kafka.end }));
    await makeTopics(kafka.brokers, Object.fromEntries(readTopics().map(({ name, partitions }) => [name, partitions])));
    const service = await opened(startService({ KAFKA_BROKERS: kafka.brokers }));
    const calendar = await radicale.makeCalendar('work');
    for (const name of ['lunch', 'tea', 'walk']) await radicale.put(calendar, `${name}.ics`, lunchSoon(name, name));
    const me = await service.as('me');
    await me.connect(radicale);
    await me.settled();
    const told = async (topic: string): Promise<number> => (await readTopic(kafka.brokers, topic)).length;
    await eventually('what happened is told', async () => {
      const [connections, events] = await Promise.all([told('juy.calendar.connections.v1'), told('juy.calendar.events.v1')]);
      return connections > 0 && events > 4;
    });
    const environment = { KAFKA: kafka.brokers, API: service.url, TOKEN: await service.token('me') };
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
});
