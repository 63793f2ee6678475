import { type Clock } from '../../kernel/clock.js';
import { type Calendars, type Person } from './calendars.js';
import { type Channels } from './channels.js';
import { type GoogleFault, type GoogleFaults, type Place } from './faults.js';
import { type Client } from '../oauth/asking.js';
import { type Grants } from '../oauth/grants.js';
import { type Pages } from '../pages.js';
import { type Method, type Opening } from './scopes.js';

/** One request that was answered, without what it brought: queries and bodies hold secrets. `cut`: the answer broke off. */
export type SeenRequest = Readonly<{ method: string; path: string; status: number; account: string | null; cut: boolean }>;

/** Everything the simulator holds. `life`: an id of this very start, so that sync tokens of an earlier one are known to be stale. */
export type World = Readonly<{
  clock: Clock;
  life: string;
  origin: () => string;
  client: Client;
  calendars: Calendars;
  grants: Grants;
  faults: GoogleFaults;
  channels: Channels;
  pages: Pages;
  /** Whether channels may lead to this machine without https, as only a simulator allows. */
  plainPush: boolean;
}>;

/** One request to the API by somebody whose access token is good, and whose scopes open the method. */
export type ApiCall = Readonly<{
  world: World;
  person: Person;
  method: Method;
  opening: Exclude<Opening, null>;
  place: Place;
  path: string;
  query: URLSearchParams;
  body: string;
  take: <N extends GoogleFault['fault']>(name: N) => Extract<GoogleFault, Readonly<{ fault: N }>> | null;
}>;
