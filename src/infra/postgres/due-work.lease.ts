import { SECOND } from '../../kernel/clock.js';
import { type Lease, type Queue, Superseded } from '../../kernel/due-work.js';
import { type Log } from '../../kernel/log.js';
import { isHeld, renew, type RowsRuntime } from './due-rows.postgres.js';
import { type Presence } from './presence.postgres.js';

/** `leases`: what ends each lease that is held. */
type Leasing<Row> = Readonly<{
  runtime: RowsRuntime & Readonly<{ log: Log }>;
  queue: Queue<Row>;
  presence: Presence;
  leases: Set<AbortController>;
  stopping: AbortSignal;
}>;

const RENEWAL = 2 * SECOND;

/** Holds a claimed row, and renews the claim, until `end`. */
export const leaseOf = <Row>(
  { runtime, queue, presence, leases, stopping }: Leasing<Row>,
  id: unknown,
  epoch: bigint,
): Lease & { end: () => Promise<void> } => {
  const ending = new AbortController();
  if (stopping.aborted) ending.abort(stopping.reason);
  leases.add(ending);
  const renewed = async (): Promise<void> => {
    if (!(await renew(runtime, queue, id, epoch, presence.number()))) ending.abort(new Superseded());
  };
  let renewal: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renewed().catch((error: unknown) => {
      runtime.log.error('a lease could not be renewed', error, { queue: queue.table });
    });
  }, RENEWAL);
  return {
    epoch,
    signal: ending.signal,
    permit: async () => {
      if (!(await isHeld(runtime, queue, id, epoch))) throw new Superseded();
    },
    end: () => {
      clearInterval(timer);
      leases.delete(ending);
      // A renewal that arrives after the release would hold the row, although no worker works at it.
      return renewal;
    },
  };
};
