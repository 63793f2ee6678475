// A member of a group of consumers in a process of its own, to be killed: each message is a row of `effect`, once. It is told as JSON how the broker is
// reached (`kafka`: its settings; else the broker of this machine), the database, the group and the topic.
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';

const built = (name) => import(new URL(`../../dist/${name}`, import.meta.url));
const { kafka, database: url, group, topic } = JSON.parse(process.argv[2]);
const [{ host }, { consumersOf }, { openDatabase }, { inboxIn }, { systemClock }, { prometheusMetrics }, { pinoLog }] = await Promise.all([
  built('app/consumers.js'),
  built('app/broker.js'),
  built('infra/postgres/database.postgres.js'),
  built('infra/postgres/inbox.postgres.js'),
  built('infra/system.clock.js'),
  built('infra/telemetry/metrics.prometheus.js'),
  built('infra/logging/log.pino.js'),
]);

const log = pinoLog({ level: 'silent', format: 'json' });
const database = await openDatabase(url, log, 5);
const inbox = inboxIn(database);

class Handler {
  on(message) {
    const { n } = JSON.parse(Buffer.from(message.value).toString());
    return inbox.once(message.topic, message.headers.id, async (sql) => {
      await sql.query('insert into effect (topic, key, n, member) values ($1, $2, $3, $4)', [message.topic, message.key, n, 'other']);
    });
  }
}
EventPattern(topic)(Handler.prototype, 'on', Object.getOwnPropertyDescriptor(Handler.prototype, 'on'));
Payload()(Handler.prototype, 'on', 0);
Controller()(Handler);

const means = { kafka, database, clock: systemClock, log, metrics: prometheusMetrics(), declaresRetry: () => false };
const consumer = await consumersOf(means);
await host({ module: class Host {}, controllers: [Handler] }, consumer({ group, topics: [topic] }), log, new AbortController().signal);
