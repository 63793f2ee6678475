import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SandboxAnswer, type SandboxRequest } from './exchange.js';

/** An answer, and how it is delivered: after a while, or cut off in the middle. `sent`: told when that is over. */
export type Delivery = Readonly<{ answer: SandboxAnswer; milliseconds: number; cut: boolean; sent?: () => void }>;

/** Delivered at once and whole. */
export const atOnce = (answer: SandboxAnswer): Delivery => ({ answer, milliseconds: 0, cut: false });

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

const send = async ({ answer, milliseconds, cut }: Delivery, outgoing: ServerResponse, closing: AbortSignal): Promise<void> => {
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: closing });
  outgoing.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 204 ? {} : { 'content-length': Buffer.byteLength(answer.body) }),
  });
  if (cut) outgoing.write(answer.body.slice(0, answer.body.length / 2), () => outgoing.destroy());
  else outgoing.end(answer.body);
};

type Answering = (request: SandboxRequest) => Delivery | Promise<Delivery>;

const handle = async (answering: Answering, incoming: IncomingMessage, outgoing: ServerResponse, closing: AbortSignal): Promise<void> => {
  const { method = 'GET', url = '/' } = incoming;
  const body = await bodyOf(incoming);
  const delivery =
    body === null ? atOnce({ status: 413, headers: {}, body: '' }) : await answering({ method, url, header: headerOf(incoming), body });
  await send(delivery, outgoing, closing).finally(delivery.sent);
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

/** The HTTP server of a sandbox, until it is closed. */
export const serveSandbox = async (
  wantedPort: number,
  answering: Answering,
): Promise<Readonly<{ port: number; close: () => Promise<void> }>> => {
  const closing = new AbortController();
  // Each answer that is on its way slowly listens.
  setMaxListeners(0, closing.signal);
  const server = createServer((incoming, outgoing) => {
    handle(answering, incoming, outgoing, closing.signal).catch(() => outgoing.destroy());
  });
  return {
    port: await listen(server, wantedPort),
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
