import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';

/** A request as the proxy saw it. */
export type Seen = Readonly<{ method: string; path: string; depth: string | null; authorized: boolean; body: string }>;

type Answer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>;

/** What goes wrong, for the requests it is meant for. The first of the injected faults that applies is the one that happens. */
export type Fault = Readonly<{
  when: (seen: Seen) => boolean;
  /** How often; always when left out. */
  times?: number;
  /** Changes the body on its way to the server. */
  ask?: (body: string) => string;
  /** Changes the answer; without `instead` it is the server's. */
  answer?: (answer: Answer, seen: Seen) => Answer;
  /** Answers by itself, without asking the server. */
  instead?: Answer | ((seen: Seen) => Answer);
  /** `nothing`: never answers; `half`: breaks off in the middle; `stalls`: falls silent in the middle. */
  delivery?: 'whole' | 'nothing' | 'half' | 'stalls';
}>;

/** A proxy in front of a CalDAV server that does what servers do on their bad days. */
export type FaultProxy = Readonly<{
  /** With a slash at the end. */
  url: string;
  seen: readonly Seen[];
  inject: (...faults: readonly Fault[]) => void;
  /** Forgets faults and requests. */
  clear: () => void;
  stop: () => Promise<void>;
}>;

const read = async (stream: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

const forward = (target: string, incoming: IncomingMessage, body: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const changing = new Set(['accept-encoding', 'content-length', 'transfer-encoding']);
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !changing.has(name)));
    const url = new URL(incoming.url ?? '/', target);
    const onward = send(url, { method: incoming.method ?? 'GET', headers, agent: false }, (response) => {
      const kept = ['content-type', 'etag', 'location', 'retry-after'].flatMap((name) => {
        const value = response.headers[name];
        return typeof value === 'string' ? [[name, value] as const] : [];
      });
      read(response).then((text) => {
        resolve({ status: response.statusCode ?? 502, headers: Object.fromEntries(kept), body: text });
      }, reject);
    });
    onward.on('error', reject);
    onward.end(body);
  });

const deliver = (answer: Answer, delivery: Fault['delivery'], outgoing: ServerResponse): void => {
  if (delivery === 'nothing') return;
  outgoing.writeHead(answer.status, answer.headers);
  if (delivery === undefined || delivery === 'whole') {
    outgoing.end(answer.body);
    return;
  }
  outgoing.write(answer.body.slice(0, answer.body.length / 2), () => {
    if (delivery === 'half') outgoing.destroy();
  });
};

/** Starts a proxy in front of `target`. */
export const startFaultProxy = async (target: string): Promise<FaultProxy> => {
  const seen: Seen[] = [];
  const faults: { fault: Fault; left: number }[] = [];

  const faultFor = (request: Seen): Fault | null => {
    const found = faults.find(({ fault, left }) => left > 0 && fault.when(request));
    if (found !== undefined) found.left -= 1;
    return found?.fault ?? null;
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await read(incoming);
    const { depth, authorization } = incoming.headers;
    const request: Seen = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      depth: typeof depth === 'string' ? depth : null,
      authorized: authorization !== undefined,
      body,
    };
    seen.push(request);
    const fault = faultFor(request);
    const instead = typeof fault?.instead === 'function' ? fault.instead(request) : fault?.instead;
    const given = instead ?? (await forward(target, incoming, fault?.ask?.(body) ?? body));
    deliver(fault?.answer?.(given, request) ?? given, fault?.delivery, outgoing);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: `http://127.0.0.1:${port}/`,
    seen,
    inject: (...added) => faults.push(...added.map((fault) => ({ fault, left: fault.times ?? Infinity }))),
    clear: () => {
      seen.length = 0;
      faults.length = 0;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export const asks = (word: string) => (seen: Seen) => seen.body.includes(word);
export const sync = asks('sync-collection>');
export const multiget = asks('calendar-multiget');
export const query = asks('calendar-query');
export const listing = (seen: Seen): boolean => seen.method === 'PROPFIND' && seen.depth === '1';
export const anything = (): boolean => true;

const XML = { 'content-type': 'application/xml; charset=utf-8' };

/** A refusal that states a WebDAV condition. */
export const refusal = (status: number, condition: string | null = null): Answer => ({
  status,
  headers: condition === null ? {} : XML,
  body: condition === null ? '' : `<d:error xmlns:d="DAV:"><d:${condition}/></d:error>`,
});

export const answered = (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Answer => ({ status, headers, body });

const changeBody = (change: (body: string, seen: Seen) => string): NonNullable<Fault['answer']> => {
  return (answer, seen) => ({ ...answer, body: change(answer.body, seen) });
};

const ROW = /<response>.*?<\/response>/gs;

/** Changes or, with null, drops rows of multistatus answers. */
export const eachRow = (when: Fault['when'], change: (row: string) => string | null): Fault => ({
  when,
  answer: changeBody((body) => body.replace(ROW, (row) => change(row) ?? '')),
});

/** The server does not advertise sync-collection. */
export const withoutSync: Fault = {
  when: asks('supported-report-set'),
  answer: changeBody((body) => body.replace(/<supported-report>\s*<report>\s*<sync-collection ?\/>.*?<\/supported-report>/gs, '')),
};

/** Neither does it keep a ctag. */
export const withoutSyncAndCtag: readonly Fault[] = [
  withoutSync,
  { when: asks('getctag'), answer: changeBody((body) => body.replace(/<(\w+:)?getctag>.*?<\/(\w+:)?getctag>/gs, '')) },
];

/** The server gives no etags, wherever it is asked. */
export const withoutEtags: Fault = {
  when: anything,
  answer: (answer) => ({
    ...answer,
    headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'etag')),
    body: answer.body.replace(/<getetag>.*?<\/getetag>/gs, ''),
  }),
};

const TOKEN = /<(?:\w+:)?sync-token(?:\/>|>(.*?)<\/(?:\w+:)?sync-token>)/s;
const PART = /^part:(\d+):(.*)$/s;

const partOf = (body: string): Readonly<{ skip: number; since: string }> => {
  const token = TOKEN.exec(body)?.[1] ?? '';
  const [, skip, since] = PART.exec(token) ?? [];
  return { skip: Number(skip ?? 0), since: since ?? token };
};

/** Gives sync-collection in parts of so many rows, each but the last with a 507 row and a token to go on from (RFC 6578 3.6). */
export const truncatedTo = (size: number): Fault => ({
  when: sync,
  ask: (body) => body.replace(TOKEN, () => `<d:sync-token>${partOf(body).since}</d:sync-token>`),
  answer: changeBody((body, seen) => {
    const { skip, since } = partOf(seen.body);
    const rows = body.match(ROW) ?? [];
    const shown = rows.slice(skip, skip + size);
    const more = skip + size < rows.length;
    const full = `<response><href>${seen.path}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>`;
    const token = more ? `part:${skip + size}:${since}` : (TOKEN.exec(body)?.[1] ?? '');
    return `<multistatus xmlns="DAV:">${shown.join('')}${more ? full : ''}<sync-token>${token}</sync-token></multistatus>`;
  }),
});
