/** Thrown when the worker's claim is no longer its own: the row was taken over, revoked or deleted. What it was doing is to be dropped. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** A worker's hold on one due row. */
export type Lease = Readonly<{
  /** Grows with every claim; every write that ends the work names it. */
  epoch: bigint;
  /** Throws `Superseded` when the row has been claimed, revoked or deleted since. */
  permit: () => Promise<void>;
  /** Aborted when the lease is found lost, or the process is stopping. */
  signal: AbortSignal;
}>;

/** Runs one claimed row. It must set the row's next `due_at` itself, naming the epoch; a throw is logged and tried again after a pause. */
export type DueTask<Row> = (row: Row, lease: Lease) => Promise<void>;
