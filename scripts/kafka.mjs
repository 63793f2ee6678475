// `npm run kafka`: a real Apache Kafka on this machine, without Docker, until Ctrl-C. Its data stays in DATA_DIR/kafka.
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from './kafka.process.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

const wantedPort = () => {
  const { values } = parseArgs({ options: { port: { type: 'string' } } });
  if (values.port === undefined) return {};
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('--port must be a port from 1 to 65535.');
  return { port };
};

try {
  const folder = join(resolve(process.env.DATA_DIR || '.data'), 'kafka');
  const starting = startKafka({ folder, ...wantedPort() });
  let stopping = false;
  const stop = () => {
    stopping = true;
    void starting.then((kafka) => kafka.stop()).catch(() => undefined);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const kafka = await starting;
  say(`Apache Kafka is ready at ${kafka.brokers}; its data is in ${relative('', folder) || folder}.

The service publishes to it and reads from it when its shell has this:

  export KAFKA_BROKERS=${kafka.brokers}

npm run kafka:topics makes its topics there. Ctrl-C stops it.`);
  // The broker has a session of its own, which does not keep this program running.
  const alive = setInterval(() => undefined, 60_000);
  await kafka.ended;
  clearInterval(alive);
  if (!stopping) throw new Error(`Apache Kafka ended; ${join(folder, 'kafka.log')} says why.`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
