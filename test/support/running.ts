import { PAUSES, type Pauses } from '../../src/infra/postgres/follower.runner.js';
import { type Progress, runProjection, unstarted } from '../../src/infra/postgres/projection.runner.js';
import { type Message } from '../../src/kernel/decider.js';
import { type Projection } from '../../src/kernel/projection.js';
import { type Stores } from './store.js';

/** A projection that runs until it is stopped, and how it stands. */
export type Running = Readonly<{ progress: Progress; stop: () => Promise<void> }>;

export const startProjection = <E extends Message>(stores: Stores, projection: Projection<E>, pauses: Partial<Pauses> = {}): Running => {
  const aborting = new AbortController();
  const progress = unstarted(projection.name);
  const ended = runProjection(stores, projection, progress, aborting.signal, { ...PAUSES, ...pauses });
  return {
    progress,
    stop: async () => {
      aborting.abort();
      await ended;
    },
  };
};
