import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { embeddedShelf } from '../../src/embedded/broker/broker.shelf.js';
import { embeddedPublisher } from '../../src/embedded/broker/broker.publisher.js';
import { kafkaPublisher } from '../../src/infra/kafka/kafka.publisher.js';
import { kafkaShelf } from '../../src/infra/kafka/parked.kafka.js';
import { type Delivered, type Publisher } from '../../src/kernel/broker.js';
import { MARKS } from '../../src/kernel/delivery.js';
import { type Shelf } from '../../src/kernel/parked.js';
import { asAdmin, makeTopics, sharedKafka } from '../support/kafka.js';
import { openStores, SILENT, type Stores } from '../support/store.js';

const TOOL = fileURLToPath(new URL('../../dist/programs/parked.tool.js', import.meta.url));
const TOPIC = 'juy.directory.teams.v1';
const SECRET = 'of Ada Lovelace';

type Side = Readonly<{ environment: Record<string, string>; publisher: Publisher; read: Shelf['read']; close: () => Promise<void> }>;

const onKafka = async (): Promise<Side> => {
  const address = await sharedKafka();
  const there = await asAdmin(address, (admin) => admin.listTopics());
  await makeTopics(
    address,
    Object.fromEntries([TOPIC, `${TOPIC}.parked`].filter((name) => !there.includes(name)).map((name) => [name, 1])),
  );
  const settings = { brokers: [address], tls: null, sasl: null };
  const [publisher, shelf] = [kafkaPublisher(settings, SILENT), kafkaShelf(settings, SILENT)];
  return { environment: { KAFKA_BROKERS: address }, publisher, read: shelf.read, close: publisher.close };
};

const onThisMachine = ({ database }: Stores): Promise<Side> => {
  const publisher = embeddedPublisher(database);
  return Promise.resolve({ environment: {}, publisher, read: embeddedShelf(database).read, close: publisher.close });
};

let [stores, folder] = [null, ''] as unknown as [Stores, string];
beforeAll(async () => {
  stores = await openStores();
  folder = await mkdtemp(join(tmpdir(), 'parked-'));
});
afterAll(async () => {
  await stores.stop();
  await rm(folder, { recursive: true });
});

describe.each<[string, (stores: Stores) => Promise<Side>]>([
  ['Apache Kafka', onKafka],
  ['the broker of this machine', onThisMachine],
])('npm run parked, on %s,', (_, open) => {
  let side: Side;
  beforeAll(async () => {
    side = await open(stores);
    const marks = { [MARKS.topic]: TOPIC, [MARKS.origin]: '0/7', [MARKS.attempt]: '1', [MARKS.code]: 'directory.malformed' };
    await side.publisher.publish(
      `${TOPIC}.parked`,
      ['a', 'b', 'c'].map((id) => ({ id, key: `member:${id}`, value: SECRET, headers: { ...marks, kept: 'yes' } })),
    );
  });
  afterAll(() => side.close());

  const parked = async (...parameters: string[]): Promise<string> => {
    const engines = { DATABASE_URL: stores.engines.databaseUrl('juy'), EVENTSTORE_URL: stores.engines.eventStoreUrl, DATA_DIR: folder };
    const env = { PATH: process.env['PATH'], TMPDIR: tmpdir(), ...engines, ...side.environment };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [TOOL, ...parameters], { env });
    expect(stdout + stderr).not.toContain(SECRET);
    return stdout;
  };
  const published = async (): Promise<readonly Delivered[]> => (await side.read(TOPIC)).filter(({ headers }) => headers['kept'] === 'yes');

  it('lists what is parked without its contents, replays one or all as they came, and lists what was replayed no more', async () => {
    const refused = expect(parked('reply', TOPIC)).rejects.toMatchObject({ code: 2 });
    const listed = await parked();
    await refused;
    expect(listed).toMatch(/^juy\.directory\.teams\.v1 {2}\S+Z {2}1 try {2}directory\.malformed {2}key member:a {2}id a$/m);
    expect(listed).toContain('3 parked.');

    expect(await parked('replay', TOPIC, '--id', 'b')).toContain('1 message was published');
    const [one] = await published();
    expect(one).toMatchObject({ key: 'member:b', headers: { id: 'b', kept: 'yes' } });
    expect(Object.keys(one?.headers ?? {}).sort()).toEqual(['id', 'kept']);
    expect(Buffer.from(one?.value ?? []).toString()).toBe(SECRET);
    const rest = await parked();
    expect(rest).toContain('2 parked.');
    expect(rest).not.toContain('member:b');

    expect(await parked('replay', TOPIC)).toContain('2 messages were published');
    expect((await published()).map(({ headers }) => headers['id']).sort()).toEqual(['a', 'b', 'c']);
    expect(await parked()).toContain('Nothing is parked.');
  });
});
