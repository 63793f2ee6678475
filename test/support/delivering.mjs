import { connectEventStore } from '../../dist/infra/eventstore/event-store.client.js';
import { openDatabase } from '../../dist/infra/postgres/database.postgres.js';
import { notFollowing, runFollower } from '../../dist/infra/postgres/follower.runner.js';
import { acknowledged, rawLog } from '../../dist/kernel/follower.js';

// A process that delivers events to the table `delivered`, which stands for another system, and dies by SIGKILL when it has been acknowledged
// the text `last`, before its checkpoint moves.
const { databaseUrl, eventStoreUrl, name, last } = JSON.parse(process.argv[2] ?? '{}');
const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const database = await openDatabase(databaseUrl, log, 4);
const { store } = connectEventStore(eventStoreUrl, () => crypto.randomUUID(), log);
const deliver = async (events) => {
  for (const { id, stream, data } of events) {
    if (!stream.startsWith(name)) continue;
    await database.query('insert into delivered (follower, id, text) values ($1, $2, $3)', [name, id, data.text]);
    if (data.text === last) process.kill(process.pid, 'SIGKILL');
  }
  return events.length;
};
const follower = { name, kind: 'relay', meaning: 1, source: rawLog(store), handle: acknowledged(deliver) };
await runFollower({ database, store, log }, follower, notFollowing(name), new AbortController().signal);
