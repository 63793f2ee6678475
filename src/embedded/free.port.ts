import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Systems lend the ports from 32768 up (Linux; elsewhere from 49152, RFC 6335 section 6) to outgoing connections. One of those is soon lent to
 * another program, also in the moment between the end of an engine and its next start.
 */
const LOWEST = 20_000;
const LENT = 32_768;
const MOST_TRIES = 100;

/** Whether a server can listen on that port of 127.0.0.1 now. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });

/** A free port of 127.0.0.1 that the system lends to no outgoing connection. Throws when there is none among a hundred. */
export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const port = randomInt(LOWEST, LENT);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${String(LOWEST)} and ${String(LENT)}`);
};
