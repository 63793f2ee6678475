import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random } from '../test/support/seed.js';

/** What becomes of notifications on their way: shares that are lost, late and doubled; how many milliseconds late at most. */
export type Mishaps = Readonly<{ lost: number; late: number; doubled: number; latest: number }>;

export const NO_MISHAPS: Mishaps = { lost: 0, late: 0, doubled: 0, latest: 0 };

/** What stands before the processes of the service: a balancer for what people and vendors send, at which notifications get lost. */
export type Relay = Readonly<{
  /** Without a slash at the end. */
  url: string;
  /** The processes that serve, in the order in which they are tried. */
  leadTo: (...urls: readonly string[]) => void;
  mishap: (mishaps: Mishaps) => void;
  tally: () => Readonly<{ passed: number; lost: number; late: number; doubled: number }>;
  /** Waits until nothing that is late is left. */
  empty: () => Promise<void>;
  stop: () => Promise<void>;
}>;

/** Told of every notification: when it goes on to the service, or that it does not. */
export type Watcher = Readonly<{
  sent: (headers: IncomingHttpHeaders, body: string) => void;
  lost: (headers: IncomingHttpHeaders, body: string) => void;
}>;

type Message = Readonly<{ method: string; path: string; headers: IncomingHttpHeaders; body: string }>;

const askOne = (target: string, { method, path, headers, body }: Message): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    send(new URL(path, target), { method, headers, agent: false }, resolve).on('error', reject).end(body);
  });

/** Goes on to the next process when one is not there, or dies over it. */
const ask = async (targets: readonly string[], message: Message): Promise<IncomingMessage> => {
  for (const target of targets.slice(0, -1)) {
    const answer = await askOne(target, message).catch(() => null);
    if (answer !== null) return answer;
  }
  return askOne(targets.at(-1) ?? '', message);
};

const pass = async (answer: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.end(await text(answer));
};

/** Notifications that change nothing: Graph asks whether the address is right, Google says that a channel is open. */
const isFormal = ({ path, headers }: Message): boolean => path.includes('validationToken=') || headers['x-goog-resource-state'] === 'sync';

export const startRelay = async (random: Random, watcher: Watcher): Promise<Relay> => {
  const tally = { passed: 0, lost: 0, late: 0, doubled: 0 };
  const underWay = new Set<Promise<unknown>>();
  let [targets, mishaps]: [readonly string[], Mishaps] = [[], NO_MISHAPS];
  const forward = (message: Message): Promise<IncomingMessage> => {
    watcher.sent(message.headers, message.body);
    tally.passed += 1;
    // Either process takes notifications.
    return ask(random.chance(0.5) ? targets : [...targets].reverse(), message);
  };
  const later = (milliseconds: number, message: Message): void => {
    const done = sleep(milliseconds)
      .then(() => forward(message))
      .then((answer) => answer.resume())
      .catch(() => undefined)
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };
  const notify = async (message: Message, outgoing: ServerResponse): Promise<void> => {
    if (isFormal(message)) return pass(await ask(targets, message), outgoing);
    const { lost, late, doubled, latest } = mishaps;
    if (random.chance(lost)) {
      tally.lost += 1;
      watcher.lost(message.headers, message.body);
      outgoing.writeHead(202).end();
    } else if (random.chance(late)) {
      tally.late += 1;
      later(1_000 + random.below(latest), message);
      outgoing.writeHead(202).end();
    } else {
      if (random.chance(doubled)) {
        tally.doubled += 1;
        later(random.below(500), message);
      }
      await pass(await forward(message), outgoing);
    }
  };
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const work = async (): Promise<void> => {
      const message = { method, path, headers, body: await text(incoming) };
      if (path.startsWith('/v1/webhooks/')) await notify(message, outgoing);
      else await pass(await ask(targets, message), outgoing);
    };
    work().catch(() => outgoing.writeHead(502).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (...urls) => {
      targets = urls;
    },
    mishap: (changed) => {
      mishaps = changed;
    },
    tally: () => tally,
    empty: async () => {
      await Promise.all(underWay);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
