import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { throwError } from 'rxjs';
import { Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import 'reflect-metadata';
import { DirectoryConsumer } from '../../src/directory/directory.consumer.js';
import { DIRECTORY_TOPIC } from '../../src/directory/directory.contract.js';
import { brokerCleanUps } from '../../src/embedded/broker/broker.cleanup.js';
import { EmbeddedBroker } from '../../src/embedded/broker/broker.server.js';
import { embeddedPublisher } from '../../src/embedded/broker/broker.publisher.js';
import { beMember, type BrokerDatabase, unseen } from '../../src/embedded/broker/group.member.js';
import { committedOf, subscribe } from '../../src/embedded/broker/messages.sql.js';
import { placesOf } from '../../src/embedded/broker/partitions.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { type Delivered, type Inbox, INBOX } from '../../src/kernel/broker.js';
import { LOG } from '../../src/kernel/log.js';
import { DAY } from '../../src/kernel/clock.js';
import { MARKS, policyFor } from '../../src/kernel/delivery.js';
import { memberMessage } from '../support/directory.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

/** A member of a group with a session of its own, whose process can be killed. */
const startMember = (group: string, topic: string, run: (message: Delivered) => Promise<void>) => {
  const stopping = new AbortController();
  const backends: number[] = [];
  const database: BrokerDatabase = {
    ...stores.database,
    session: async () => {
      const session = await stores.database.session();
      const [row] = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      backends.push(row?.pid ?? 0);
      return session;
    },
  };
  const handling = { policy: policyFor(topic, { retry: false }), run, failed: () => undefined };
  const ended = beMember(
    { database, group, handlings: new Map([[topic, handling]]), log: SILENT, clock: systemClock, seen: unseen() },
    stopping.signal,
  );
  return {
    /** Its connection is lost under it. */
    cut: () => stores.database.query('select pg_terminate_backend($1)', [backends.at(-1)]),
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
};

const numbered = (key: string, from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: randomUUID(), key, value: JSON.stringify(from + index), headers: {} }));

const numberOf = ({ value }: Delivered): number => Number(new TextDecoder().decode(value ?? undefined));

/** What was seen of a key, without repetitions of what was seen before. */
const inOrder = (seen: readonly number[]): readonly number[] =>
  seen.filter((each, index) => seen.slice(0, index).every((before) => before < each));

describe('The broker of this machine', () => {
  it('hands each key’s messages over in order and loses none, while members come, stop and are cut off', async () => {
    const [topic, group] = [randomUUID(), randomUUID()];
    const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`);
    const seen = new Map<string, number[]>(keys.map((key) => [key, []]));
    const by = new Map<string, Set<string>>();
    const member = (name: string) =>
      startMember(group, topic, (message) => {
        const { key, partition } = message;
        seen.get(key ?? '')?.push(numberOf(message));
        by.set(name, (by.get(name) ?? new Set()).add(String(partition)));
        return Promise.resolve();
      });
    const publisher = embeddedPublisher(stores.database);
    const publish = (from: number) => Promise.all(keys.map((key) => publisher.publish(topic, numbered(key, from, 20))));
    const all = (until: number) =>
      eventually('all messages were handled', () => [...seen.values()].every((each) => new Set(each).size === until));

    const ada = member('ada');
    await publish(0);
    await all(20);
    const ben = member('ben');
    await eventually('the second has a share', async () => {
      await publisher.publish(topic, numbered('other', 0, 1));
      await publisher.publish(
        topic,
        keys.map((key) => ({ id: randomUUID(), key, value: '0', headers: {} })),
      );
      return (by.get('ben')?.size ?? 0) > 0;
    });
    const publishing = publish(20);
    await ben.cut();
    await publishing;
    await all(40);
    await ada.stop();
    await publish(40);
    await all(60);
    expect(by.get('ben')?.size).toBe(4);
    await ben.stop();
    for (const each of seen.values())
      expect(inOrder(each.filter((number, index) => number > 0 || index === 0))).toEqual([...Array(60).keys()]);
  });

  it('delivers again what was not handled to its end, and nothing that was committed', async () => {
    const [topic, group] = [randomUUID(), randomUUID()];
    await embeddedPublisher(stores.database).publish(topic, numbered('k', 0, 5));
    const first: number[] = [];
    const failing = startMember(group, topic, (message) => {
      first.push(numberOf(message));
      return first.length > 3 ? Promise.reject(new Error('not now')) : Promise.resolve();
    });
    await eventually('it has failed', () => first.length > 3);
    await failing.stop();
    const again: number[] = [];
    const working = startMember(group, topic, (message) => {
      again.push(numberOf(message));
      return Promise.resolve();
    });
    await eventually('the others were handled', () => again.length === 2);
    await working.stop();
    expect([first, again]).toEqual([
      [0, 1, 2, 3],
      [3, 4],
    ]);
    const offsets = await Promise.all(placesOf([topic]).map((place) => committedOf(stores.database, group, place)));
    expect(offsets.reduce((sum, each) => sum + each, 0n)).toBe(5n);
  });
});

@Module({})
class Host {}

/** The handlers of a Nest controller on this broker. */
const serve = async (controller: Type, group: string, providers: readonly Provider[] = []) => {
  const moved: string[] = [];
  const strategy = new EmbeddedBroker({
    ...{ database: stores.database, log: SILENT, clock: systemClock, seen: unseen(), group },
    declaresRetry: () => false,
    failed: (message, { then, code }) => {
      if (then === 'move') moved.push(`${message.key} ${code}`);
    },
  });
  const module = { module: Host, controllers: [controller], providers: [...providers] };
  // Nest types the plain options as a class.
  const app = await NestFactory.createMicroservice(module, { strategy });
  app.useGlobalFilters({ catch: (error: unknown) => throwError(() => error) });
  await app.listen();
  return { moved, stop: () => app.close() };
};

describe('Handlers of the broker of this machine', () => {
  it('are those of Kafka: the directory’s keeps what it is told, and parks what it cannot read', async () => {
    const inbox: Inbox = { once: (_consumer, _id, work) => stores.database.transaction(work).then(() => true) };
    const { moved, stop } = await serve(DirectoryConsumer, randomUUID(), [
      { provide: INBOX, useValue: inbox },
      { provide: LOG, useValue: SILENT },
    ]);
    const [ada, ben] = [randomUUID(), randomUUID()];
    const published = (key: string, value: string) => ({
      id: randomUUID(),
      key,
      value,
      headers: { 'content-type': 'application/cloudevents+json' },
    });
    await embeddedPublisher(stores.database).publish(DIRECTORY_TOPIC, [
      published(`member:${ben}`, '{"specversion":"1.0"}'),
      published(`member:${ada}`, new TextDecoder().decode(memberMessage(ada, ['red']).value ?? undefined)),
    ]);
    const teams = () => stores.database.query('select teams from directory_members where user_id = $1', [ada]);
    await eventually('it is told', async () => (await teams()).length === 1);
    await eventually('it is parked', () => moved.length === 1);
    await stop();
    expect([await teams(), moved]).toEqual([[{ teams: ['red'] }], [`member:${ben} directory.malformed`]]);
    const [parked] = await stores.database.query<{ headers: unknown; value: Buffer }>('select * from broker_message where topic = $1', [
      `${DIRECTORY_TOPIC}.parked`,
    ]);
    expect(parked).toMatchObject({ key: `member:${ben}`, value: Buffer.from('{"specversion":"1.0"}') });
    expect(parked?.headers).toMatchObject({
      'content-type': 'application/cloudevents+json',
      [MARKS.code]: 'directory.malformed',
      [MARKS.attempt]: '1',
    });
  });
});

describe('Messages of the broker of this machine', () => {
  it('are removed a day after all groups have read them, and where no group reads them after 31 days', async () => {
    const [read, half, unread, group, other] = [1, 2, 3, 4, 5].map(() => randomUUID()) as [string, string, string, string, string];
    const publisher = embeddedPublisher(stores.database);
    for (const topic of [read, half, unread]) await publisher.publish(topic, numbered('k', 0, 3));
    const members = [read, half].map((topic) => startMember(group, topic, () => Promise.resolve()));
    await subscribe(stores.database, other, [half]);
    const left = async () =>
      (
        await stores.database.query<{ topic: string }>('select distinct topic from broker_message where topic = any($1)', [
          [read, half, unread],
        ])
      ).map(({ topic }) => topic);
    const after = async (days: number) => {
      const lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };
      for (const { remove } of brokerCleanUps(stores.database)) await remove(Date.now() + days * DAY, lease);
      return new Set(await left());
    };
    const ends = `select committed from broker_offset where consumer_group = $1 and committed > 0`;
    await eventually('both were read', async () => (await stores.database.query(ends, [group])).length === 2);
    for (const { stop } of members) await stop();
    expect(await after(0.9)).toEqual(new Set([read, half, unread]));
    expect(await after(1.1)).toEqual(new Set([half, unread]));
    expect(await after(32)).toEqual(new Set([half]));
  });
});
