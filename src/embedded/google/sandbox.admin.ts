import { type SandboxAnswer } from '../exchange.js';
import { type AdminRequest, boardAnswer } from '../sandbox.vendor.js';
import { FaultOrder } from './faults.wire.js';
import { AccessOrder, type Action, ActionOrder, CalendarOrder, EventOrder } from './sandbox.wire.js';
import { type World } from './world.js';

const described = ({ calendars, client, faults, origin, channels }: World) => ({
  serverUrl: `${origin()}/`,
  clientId: client.id,
  clientSecret: client.secret,
  accounts: calendars.people().map(({ email, fullName, list }) => ({
    email,
    fullName,
    calendars: list.since(0).flatMap(({ value }) => (value.removed ? [] : [{ id: value.calendar, accessRole: value.accessRole }])),
  })),
  channels: channels.live().map(({ id, account, calendar, expiration }) => ({ id, account, calendar, expiration })),
  faults: faults.list(),
});

/** Does at once what no fault of a later request is. */
export const act = ({ grants, calendars }: World, action: Action): void => {
  switch (action.action) {
    case 'revoke':
      grants.revoke(action.account);
      return;
    case 'expire-access':
      grants.expireAccess(action.account);
      return;
    case 'forget-sync':
      calendars.forgetSync(action.calendar);
  }
};

const ORDERS = { fault: FaultOrder, action: ActionOrder, calendar: CalendarOrder, event: EventOrder, access: AccessOrder };

/** What the simulator answers about itself; null when a path is not its own. */
export const sandboxAnswer = (world: World, request: AdminRequest): SandboxAnswer | null => {
  const { faults, calendars: held } = world;
  const doing = (action: Action): void => {
    act(world, action);
  };
  return boardAnswer({ described: () => described(world), faults, act: doing, held, orders: ORDERS }, request);
};
