import { type EventStore, type RawEvent } from '../kernel/event-store.js';
import { acknowledged, type Follower, rawLog } from '../kernel/follower.js';
import { toldOfEvent } from './audit-messages.js';
import { AUDIT_TOPIC } from './audit.contract.js';
import { MOST, outbox } from './outbox.js';
import { readAhead } from './read-ahead.source.js';
import { type Publishing } from './relay.ports.js';

type Ports = Publishing & Readonly<{ store: Pick<EventStore, 'followRaw'> }>;

/** Publishes who did what to whose data to `juy.calendar.audit.v1`: of every event of the log, which it needs not understand. */
export const auditFollower = ({ publisher, onPublished, store }: Ports): Follower<RawEvent> => ({
  name: 'relay_audit',
  kind: 'relay',
  meaning: 1,
  source: readAhead(rawLog(store), MOST),
  handle: acknowledged(async (items, isOver) => {
    const out = outbox(publisher, AUDIT_TOPIC, (count) => {
      onPublished(AUDIT_TOPIC, count);
    });
    let count = 0;
    for (const event of items) {
      await out.add(toldOfEvent(event));
      count += 1;
      if (isOver()) break;
    }
    await out.flush();
    return count;
  }),
});
