import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { davAnswer } from './dav.answers.js';
import { type DavAnswer, placeOf, plain, type World } from './dav.exchange.js';
import { sandboxAnswer } from './sandbox.admin.js';
import { targetOf } from './targets.js';

const LARGEST_BODY = 2 * 1024 * 1024;

/** Null when it is larger than anything a client has to say. */
const bodyOf = async (incoming: IncomingMessage): Promise<string | null> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming) {
    size += (part as Buffer).length;
    if (size <= LARGEST_BODY) parts.push(part as Buffer);
  }
  return size > LARGEST_BODY ? null : Buffer.concat(parts).toString();
};

const headerOf =
  ({ headers }: IncomingMessage) =>
  (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };

/** An answer, and how it is to be delivered. */
type Delivery = Readonly<{ answer: DavAnswer; milliseconds: number; cut: boolean }>;

const whole = (answer: DavAnswer): Delivery => ({ answer, milliseconds: 0, cut: false });

const deliveryOf = async (world: World, incoming: IncomingMessage): Promise<Delivery> => {
  const { method = 'GET', url = '/' } = incoming;
  const path = URL.canParse(url, world.origin()) ? new URL(url, world.origin()).pathname : '';
  const body = await bodyOf(incoming);
  if (body === null) return whole(plain(413));
  const header = headerOf(incoming);
  const own = sandboxAnswer(world, { method, path, header, body });
  const target = targetOf(path);
  if (own !== null || target === null) return whole(own ?? plain(404));
  const answer = davAnswer(world, { method, target, header, body });
  const place = placeOf(target, null);
  const milliseconds = world.faults.take('slow', place)?.milliseconds ?? 0;
  return { answer, milliseconds, cut: answer.body !== '' && world.faults.take('cut', place) !== null };
};

const handle = async (world: World, incoming: IncomingMessage, outgoing: ServerResponse, closing: AbortSignal): Promise<void> => {
  const { answer, milliseconds, cut } = await deliveryOf(world, incoming);
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: closing });
  const { status, headers, body } = answer;
  outgoing.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }) });
  if (cut) outgoing.write(body.slice(0, body.length / 2), () => outgoing.destroy());
  else outgoing.end(body);
};

/** Listens on 127.0.0.1; on any free port when the wanted one (0: any) is taken. */
const listen = async (server: Server, wanted: number): Promise<number> => {
  const attempt = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await attempt(wanted).catch(() => attempt(0));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/** The HTTP server of a world, until it is closed. */
export const serve = async (world: World, port: number): Promise<Readonly<{ port: number; close: () => Promise<void> }>> => {
  const closing = new AbortController();
  const server = createServer((incoming, outgoing) => {
    handle(world, incoming, outgoing, closing.signal).catch(() => outgoing.destroy());
  });
  return {
    port: await listen(server, port),
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
