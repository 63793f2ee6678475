import { type Clock } from '../../kernel/clock.js';
import { type Client } from '../oauth/asking.js';
import { type Grants } from '../oauth/grants.js';
import { type Pages } from '../pages.js';
import { type MicrosoftFault, type MicrosoftFaults, type Place } from './faults.js';
import { type Mailboxes, type Person } from './mailboxes.js';
import { type Preferences } from './preferences.js';
import { type Subscriptions } from './subscriptions.js';

/**
 * One request that was answered, without what it brought: queries and bodies hold secrets. `underWay`: requests of its mailbox that were under way then,
 * itself among them. `cut`: the answer broke off.
 */
export type SeenRequest = Readonly<{
  method: string;
  path: string;
  status: number;
  account: string | null;
  prefer: string | null;
  underWay: number;
  cut: boolean;
}>;

/** Everything the simulator holds. `life`: an id of this very start, so that delta tokens of an earlier one are known to be stale. */
export type World = Readonly<{
  clock: Clock;
  life: string;
  origin: () => string;
  client: Client;
  mailboxes: Mailboxes;
  grants: Grants;
  faults: MicrosoftFaults;
  pages: Pages;
  subscriptions: Subscriptions;
  /** Whether notifications may go to this machine without https, as only a simulator allows. */
  plainPush: boolean;
  /** Requests of each person that are under way. */
  underWay: Map<string, number>;
  newRequestId: () => string;
}>;

/** One request to Graph by somebody whose access token is good, and whose scopes open it. */
export type GraphCall = Readonly<{
  world: World;
  person: Person;
  place: Place;
  path: string;
  query: URLSearchParams;
  body: string;
  prefer: Preferences;
  /** Whether calendars of others are open too. */
  shared: boolean;
  /** Without bodies of events, as Calendars.ReadBasic opens them. */
  basic: boolean;
  ifMatch: string | null;
  take: <N extends MicrosoftFault['fault']>(name: N) => Extract<MicrosoftFault, Readonly<{ fault: N }>> | null;
}>;
