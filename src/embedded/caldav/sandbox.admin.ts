import { empty, faultsAnswer, json } from '../sandbox.board.js';
import { type DavAnswer, type World } from './dav.exchange.js';
import { FaultOrder } from './faults.wire.js';

/** A request to the sandbox itself. */
export type AdminRequest = Readonly<{ method: string; path: string; header: (name: string) => string | null; body: string }>;

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

/** What the sandbox answers about itself: accounts and faults, to callers on this machine; null when a path is not its own. */
export const sandboxAnswer = (world: World, request: AdminRequest): DavAnswer | null => {
  const { method, path } = request;
  if (path === '/sandbox' || (path === '/' && method === 'GET')) return method === 'GET' ? json(200, described(world)) : empty(405);
  return path === '/sandbox/faults' ? faultsAnswer(request, FaultOrder, world.faults) : null;
};
