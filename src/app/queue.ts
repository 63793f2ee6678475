import { type DueRuntime, workOff } from '../infra/postgres/due-work.postgres.js';
import { type Queue } from '../kernel/due-work.js';
import { type Metrics } from '../kernel/metrics.js';
import { observedTask } from './observed.js';
import { type Work } from './supervised.js';

/** The worker of a slice's queue, measured and traced. */
export const workerOf = <Row extends object>(runtime: DueRuntime & Readonly<{ metrics: Metrics }>, queue: Queue<Row>): Work => {
  const task = observedTask(queue.table, queue.task, runtime.clock.now, runtime.metrics);
  return (signal) => workOff<Row>(runtime, { ...queue, task }, signal);
};
