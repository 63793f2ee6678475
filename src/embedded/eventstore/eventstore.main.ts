import { createInterface } from 'node:readline';
import { type ServerOptions, startServer } from './server.grpc.js';

// The settings come as the first line of standard input, where no list of processes shows the passwords. The pipe then stays open: its end
// means that the service is gone, however it died, and that no other process would stop this one.
const lines = createInterface({ input: process.stdin });
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Longest that a stop may take, in milliseconds. */
const PATIENCE = 5_000;

lines.once('line', (line) => {
  const starting = startServer(JSON.parse(line) as ServerOptions, say);
  starting.then(
    () => {
      say('ready');
    },
    (error: unknown) => {
      say(`cannot start: ${error instanceof Error ? error.message : String(error)}`);
      process.exit(1);
    },
  );
  lines.once('close', () => {
    setTimeout(() => process.exit(1), PATIENCE).unref();
    void starting.then((server) => server.stop()).then(() => process.exit(0));
  });
});
