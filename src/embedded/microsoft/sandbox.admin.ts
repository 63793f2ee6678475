import { type SandboxAnswer } from '../exchange.js';
import { type AdminRequest, boardAnswer } from '../sandbox.vendor.js';
import { EventOrder } from './event.wire.js';
import { FaultOrder } from './faults.wire.js';
import { AccessOrder, type Action, ActionOrder, CalendarOrder } from './sandbox.wire.js';
import { type World } from './world.js';

const described = ({ mailboxes, client, faults, origin, subscriptions }: World) => ({
  serverUrl: `${origin()}/`,
  clientId: client.id,
  clientSecret: client.secret,
  accounts: mailboxes.people().map((person) => ({
    email: person.email,
    fullName: person.fullName,
    tenant: person.tenant,
    calendars: mailboxes
      .listed(person)
      .map(({ calendar, entry }) => ({ id: calendar.about.id, name: calendar.about.name, role: entry.role })),
  })),
  subscriptions: subscriptions.live().map(({ id, account, calendar, expiration }) => ({ id, account, calendar, expiration })),
  faults: faults.list(),
});

/** Does at once what no fault of a later request is. */
export const act = ({ grants, mailboxes, subscriptions }: World, action: Action): void => {
  switch (action.action) {
    case 'revoke':
      grants.revoke(action.account);
      subscriptions.end(action.account);
      return;
    case 'expire-access':
      grants.expireAccess(action.account);
      return;
    case 'forget-sync':
      mailboxes.forgetSync(action.calendar);
      return;
    case 'lifecycle':
      subscriptions.lifecycle(action.account, action.event);
  }
};

const ORDERS = { fault: FaultOrder, action: ActionOrder, calendar: CalendarOrder, event: EventOrder, access: AccessOrder };

/** What the simulator answers about itself; null when a path is not its own. */
export const sandboxAnswer = (world: World, request: AdminRequest): SandboxAnswer | null => {
  const { faults, mailboxes: held } = world;
  const doing = (action: Action): void => {
    act(world, action);
  };
  return boardAnswer({ described: () => described(world), faults, act: doing, held, orders: ORDERS }, request);
};
