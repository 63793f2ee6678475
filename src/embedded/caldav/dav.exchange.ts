import { type CalendarStore } from './calendar.store.js';
import { type FaultName, type Faults, type Place, type SwitchedOn } from './faults.js';
import { pathOf, type Target } from './targets.js';
import { condition } from './xml.js';

/** An account while the sandbox runs. */
export type ServedAccount = Readonly<{
  username: string;
  password: string;
  fullName: string;
  calendars: ReadonlyMap<string, CalendarStore>;
}>;

/** Everything the server holds. `life`: an id of this very start, so that tokens of an earlier one are known to be stale. */
export type World = Readonly<{
  accounts: ReadonlyMap<string, ServedAccount>;
  faults: Faults;
  life: string;
  origin: () => string;
  /** An iCalendar text that describes a zone. */
  zoneText: (zone: string) => string;
}>;

/** One request that was answered, without what it brought. `cut`: the answer broke off. */
export type SeenRequest = Readonly<{ method: string; path: string; status: number; account: string | null; cut: boolean }>;

export type DavRequest = Readonly<{
  method: string;
  target: Target;
  header: (name: string) => string | null;
  body: string;
}>;

export type DavAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>;

/** One request of somebody whose password was right. */
export type Exchange = Readonly<{
  world: World;
  account: ServedAccount;
  request: DavRequest;
  place: Place;
  /** The fault of that name that is switched on for where this request goes. */
  take: <N extends FaultName>(name: N) => SwitchedOn<N> | null;
  /** The address of a target as this answer spells it. */
  href: (target: Target) => string;
}>;

/** Which account and calendar a request is about; `username` when its path names no account. */
export const placeOf = (target: Target | null, username: string | null): Place => ({
  account: target !== null && 'account' in target ? target.account : username,
  calendar: target !== null && 'calendar' in target ? target.calendar : null,
});

export const exchangeOf = (world: World, account: ServedAccount, request: DavRequest): Exchange => {
  const place = placeOf(request.target, account.username);
  const take: Exchange['take'] = (name) => world.faults.take(name, place);
  const [absolute, unescaped] = [take('absolute-hrefs') !== null, take('unescaped-hrefs') !== null];
  return {
    world,
    account,
    request,
    place,
    take,
    href: (target) => (absolute ? world.origin() : '') + (unescaped ? pathOf(target).replaceAll('%40', '@') : pathOf(target)),
  };
};

const XML = { 'content-type': 'application/xml; charset=utf-8' };

export const plain = (status: number, headers: Readonly<Record<string, string>> = {}): DavAnswer => ({ status, headers, body: '' });

export const xml = (status: number, body: string): DavAnswer => ({ status, headers: XML, body });

/** A refusal that states its condition. */
export const refused = (status: number, name: string, content = ''): DavAnswer => xml(status, condition(name, content));
