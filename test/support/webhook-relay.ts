import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A notification that came by; `path`: with its query; `status`: what the service answered, null where it was not asked. */
export type Passed = Readonly<{ path: string; headers: Readonly<Record<string, string>>; body: string; status: number | null }>;

/** What stands between the outside and a service, as a proxy does: `url` is what the service is set to be reached by. */
export type WebhookRelay = Readonly<{
  /** Without a slash at the end. */
  url: string;
  /** Where everything goes. */
  leadTo: (serviceUrl: string) => void;
  /** Notifications, the oldest first. */
  passed: readonly Passed[];
  /** Whether notifications are kept from the service. */
  keepBack: (isKept: boolean) => void;
  stop: () => Promise<void>;
}>;

const single = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

export const startWebhookRelay = async (): Promise<WebhookRelay> => {
  const passed: Passed[] = [];
  let [target, isKept] = ['', false];
  const server = createServer((incoming, outgoing) => {
    const isNotification = incoming.url?.startsWith('/v1/webhooks/') === true;
    let body = '';
    const note = (status: number | null): void => {
      if (isNotification) passed.push({ path: incoming.url ?? '', headers: single(incoming.headers), body, status });
    };
    const forward = async (): Promise<void> => {
      body = await text(incoming);
      const { method = 'GET', headers } = incoming;
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        send(new URL(incoming.url ?? '/', target), { method, headers, agent: false }, resolve)
          .on('error', reject)
          .end(body);
      });
      note(answer.statusCode ?? null);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    };
    if (isNotification && isKept) {
      note(null);
      outgoing.writeHead(204).end();
      return;
    }
    forward().catch(() => {
      note(null);
      outgoing.writeHead(502).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (serviceUrl) => {
      target = serviceUrl;
    },
    passed,
    keepBack: (kept) => {
      isKept = kept;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
