import { z } from 'zod';
import { type DavAnswer, plain, type World } from './dav.exchange.js';
import { FaultOrder } from './faults.wire.js';

/** A request to the sandbox itself. */
export type SandboxRequest = Readonly<{ method: string; path: string; header: (name: string) => string | null; body: string }>;

const json = (status: number, content: unknown): DavAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: `${JSON.stringify(content, null, 2)}\n`,
});

const problem = (status: number, code: string, detail: string): DavAnswer => ({
  ...json(status, { type: 'about:blank', status, code, detail }),
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
});

const described = ({ accounts, faults, origin }: World) => ({
  serverUrl: `${origin()}/`,
  accounts: [...accounts.values()].map(({ username, password, fullName, calendars }) => ({
    username,
    password,
    fullName,
    calendars: [...calendars.values()].map(({ about }) => ({ name: about.name, displayName: about.displayName, access: about.access })),
  })),
  faults: faults.list(),
});

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const addFault = (world: World, { header, body }: SandboxRequest): DavAnswer => {
  // A page in a browser cannot send this type here without being allowed to first.
  if (!/^application\/json\b/i.test(header('content-type') ?? '')) return problem(415, 'sandbox.not-json', 'Send application/json.');
  const order = FaultOrder.safeParse(parsed(body));
  if (!order.success) return problem(422, 'sandbox.no-such-fault', z.prettifyError(order.error));
  world.faults.add(order.data);
  return json(201, world.faults.list());
};

/** What the sandbox answers about itself: accounts and faults, to callers on this machine; null when a path is not its own. */
export const sandboxAnswer = (world: World, request: SandboxRequest): DavAnswer | null => {
  const { method, path } = request;
  if (path === '/sandbox' || (path === '/' && method === 'GET')) return method === 'GET' ? json(200, described(world)) : plain(405);
  if (path !== '/sandbox/faults') return null;
  if (method === 'GET') return json(200, world.faults.list());
  if (method === 'POST') return addFault(world, request);
  if (method !== 'DELETE') return plain(405);
  world.faults.clear();
  return plain(204);
};
